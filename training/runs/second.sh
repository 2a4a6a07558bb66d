#!/usr/bin/env bash
# How strokebox-first 0.2.0 was made: the networks of 0.1.0 trained on with more heads, half of them healthy, then
# calibrated and exported. About two hours on two cores. Run from the root of the project with its environment active;
# everything but the bundle lands in work/. 0.1.0 is in the history: git show 04b4d24:appliance/bundle/default.
set -euo pipefail
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE

python -m training prepare-phantoms training 186 --out work/heads/training
python -m training prepare-phantoms validation 12 --out work/heads/validation
python -m training prepare-phantoms calibration 16 --out work/heads/calibration
for run in axial:3600 coronal:4200 sagittal:4600; do
    python -m training run "${run%:*}" --recipe continued --bundle appliance/bundle/default --seed 2 \
        --steps "${run#*:}" --threads 1 --heads work/heads/training --validation-heads work/heads/validation \
        --run "work/runs/${run%:*}" &
done
wait
for run in axial:1600 sagittal:1500; do
    python -m training run "${run%:*}" --recipe refined --start "work/runs/${run%:*}" --seed 3 \
        --steps "${run#*:}" --threads 1 --heads work/heads/training --validation-heads work/heads/validation \
        --run "work/refined/${run%:*}" &
done
wait
python -m export models --runs work/refined/axial work/runs/coronal work/refined/sagittal --out work/models
python -m calibration --runs work/refined/axial work/runs/coronal work/refined/sagittal --models work/models \
    --heads work/heads/calibration --out work/calibration.json --scratch work
rm -r appliance/bundle/default
python -m export bundle --runs work/refined/axial work/runs/coronal work/refined/sagittal \
    --calibration work/calibration.json --heads work/heads/training --validation-heads work/heads/validation \
    --name strokebox-first --version 0.2.0 --serial 2 --out appliance/bundle/default
