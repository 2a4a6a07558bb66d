#!/usr/bin/env bash
# How the first bundle was made: synthetic heads, three small networks, calibration, export. About an hour and a half on
# two cores. Run from the root of the project with its environment active; everything but the bundle lands in work/.
# The networks of 0.1.0 were trained two at a time, each on two threads, and these commands run one by one; they had
# 2,600 (axial) and 1,800 steps, not the 4,500 of small.toml. Phantoms and training have changed since: to repeat it,
# check out the commit that added 0.1.0 (04b4d24).
set -euo pipefail
export OPENBLAS_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE

python -m training prepare-phantoms training 96 --out work/heads/training
python -m training prepare-phantoms validation 12 --out work/heads/validation
python -m training prepare-phantoms calibration 18 --out work/heads/calibration
python -m training run --config training/configs/small.toml --plane axial coronal sagittal --seed 1 \
    --heads work/heads/training --validation-heads work/heads/validation --out work/runs
python -m calibration run --runs work/runs/small-{axial,coronal,sagittal}-1 \
    --heads work/heads/calibration --out work/calibration.json --scratch work
python -m export bundle --runs work/runs/small-{axial,coronal,sagittal}-1 \
    --calibration work/calibration.json --heads work/heads/training --validation-heads work/heads/validation \
    --name strokebox-first --version 0.1.0 --serial 1 --out appliance/bundle/default
