#!/usr/bin/env bash
# How the first bundle was made: synthetic heads, three small networks, calibration, export. About an hour and a half on
# two cores. Run from the root of the project with its environment active; everything but the bundle lands in work/.
# The networks were in fact trained two at a time, each on two threads, and these commands run one by one. Recipe and
# phantoms have changed since: to repeat it, check out the commit that added 0.1.0 (04b4d24).
set -euo pipefail
export OPENBLAS_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE

python -m training prepare-phantoms training 96 --out work/heads/training
python -m training prepare-phantoms validation 12 --out work/heads/validation
python -m training prepare-phantoms calibration 18 --out work/heads/calibration
for run in axial:2600 coronal:1800 sagittal:1800; do
    python -m training run "${run%:*}" --recipe first-bundle --seed 1 --steps "${run#*:}" \
        --heads work/heads/training --validation-heads work/heads/validation --run "work/runs/${run%:*}"
done
python -m calibration run --runs work/runs/axial work/runs/coronal work/runs/sagittal \
    --heads work/heads/calibration --out work/calibration.json --scratch work
python -m export bundle --runs work/runs/axial work/runs/coronal work/runs/sagittal \
    --calibration work/calibration.json --heads work/heads/training --validation-heads work/heads/validation \
    --name strokebox-first --version 0.1.0 --serial 1 --out appliance/bundle/default
