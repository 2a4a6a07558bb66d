#!/usr/bin/env bash
# How the second bundle was made from the first: the same three networks, trained on with more heads in three stages.
# About five hours on two cores. Run from the root of the project with its environment active; everything but the bundle
# lands in work/. The commands were run piece by piece, the three planes side by side on one thread each, and recipes and
# phantoms changed between the stages; each stage names the commit whose code it was run with.
set -euo pipefail
export OPENBLAS_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE

# Stages 1 and 2 (e272e11): 186 training heads and 12 validation heads, blood along the bone still spread too thin.
python -m training prepare-phantoms training 186 --out work/heads/training
python -m training prepare-phantoms validation 12 --out work/heads/validation
for run in axial:3600 coronal:4200 sagittal:4600; do
    python -m training run "${run%:*}" --recipe continued --bundle appliance/bundle/default --seed 2 --steps "${run#*:}" \
        --heads work/heads/training --validation-heads work/heads/validation --run "work/runs/${run%:*}"
done
for run in axial:1600 sagittal:1500; do
    python -m training run "${run%:*}" --recipe refined --start "work/runs/${run%:*}" --seed 3 --steps "${run#*:}" \
        --heads work/heads/training --validation-heads work/heads/validation --run "work/refined/${run%:*}"
done

# Stage 3 (97fe2f5): those with blood along the bone made anew, and more of all; HU shifted, half the slices with stroke.
rm -rf work/heads
python -m training prepare-phantoms training 300 --out work/heads/training
python -m training prepare-phantoms validation 20 --out work/heads/validation
for run in axial:refined:2000 coronal:runs:2600 sagittal:refined:2600; do
    IFS=: read -r plane from steps <<< "$run"
    python -m training run "$plane" --recipe refined --start "work/$from/$plane" --seed 4 --steps "$steps" \
        --heads work/heads/training --validation-heads work/heads/validation --run "work/third/$plane"
done

# Calibration and export (the probabilities of each head were computed once and kept): 17 heads.
python -m training prepare-phantoms calibration 17 --out work/heads/calibration
python -m export models --runs work/third/axial work/third/coronal work/third/sagittal --out work/models
python -m calibration run --runs work/third/axial work/third/coronal work/third/sagittal --models work/models \
    --heads work/heads/calibration --out work/calibration.json --scratch work
python -m export bundle --runs work/third/axial work/third/coronal work/third/sagittal \
    --calibration work/calibration.json --heads work/heads/training --validation-heads work/heads/validation \
    --name strokebox-first --version 0.2.0 --serial 2 --out work/bundle
