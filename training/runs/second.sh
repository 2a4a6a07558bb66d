#!/usr/bin/env bash
# How strokebox-first 0.2.0 was made: the networks of 0.1.0 trained on with more heads, half of them healthy, then
# calibrated and exported. About two and a half hours on two cores. Run from the root of the project with its
# environment active and 0.1.0 in appliance/bundle/default; everything but the bundle lands in work/.
set -euo pipefail
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE

python -m training prepare-phantoms training 300 --out work/heads/second
rm -r work/heads/second/1000* work/heads/second/1001[01]*
python -m training prepare-phantoms validation 20 --out work/heads/validation
python -m training prepare-phantoms calibration 20 --out work/heads/calibration
for run in axial:3200 coronal:3800 sagittal:4200; do
    python -m training run "${run%:*}" --recipe continued --bundle appliance/bundle/default --seed 2 \
        --steps "${run#*:}" --threads 1 --heads work/heads/second --validation-heads work/heads/validation \
        --run "work/runs/${run%:*}" &
done
wait
python -m calibration --runs work/runs/axial work/runs/coronal work/runs/sagittal \
    --heads work/heads/calibration --out work/calibration.json --scratch work
rm -r appliance/bundle/default
python -m export bundle --runs work/runs/axial work/runs/coronal work/runs/sagittal \
    --calibration work/calibration.json --heads work/heads/second --validation-heads work/heads/validation \
    --name strokebox-first --version 0.2.0 --serial 2 --out appliance/bundle/default
