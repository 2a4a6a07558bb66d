#!/usr/bin/env bash
# A fourth bundle: the six networks of the third, trained on with the heads of docs/cohort.md on a GPU. Not shipped: its golden
# volumes, pieces of 32 x 64 x 64 voxels, are too small for these networks to see the lesion in (no P above 0.43, in coronal
# slices none at all), so that a box could not tell a broken engine; and of the 20 standard seeds 14 come out right, where
# the third has 18, five of six healthy ones being inconclusive. On the 180 test heads, once: 116 called what they are (52 of
# 60 healthy, 13 of 60 IS, 51 of 60 IH), DSC of three projections and closing 0.398 (IH 0.649, IS 0.147), better than each
# single projection (0.192 to 0.384). On the real slices kept for the end, axial networks at 0.5: IH 0.194 mean and 0.328
# pooled, IS none; one of the eight slices without a bleeding has a marked pixel.
# Run from the root of the project with its environment active, one part at a time: everything but the bundle lands in
# $WORK.
#
#   heads          16 cores, 4 minutes
#   train          one H200, 6 minutes (14 to 15 steps a second and network, six at once)
#   refined_heads  2 cores, 6 minutes
#   refine         2 cores, an hour and a half
#   calibrate      2 cores, an hour and a half
#   bundle         2 cores, two minutes
#   evaluate       2 cores, an hour
#
# Calibrated on the 90 reduced heads of the cohort alone, five of the six healthy standard heads, with a scanner's pixels,
# had evidence of ischaemia above its cut-off; so the cut-offs are chosen on both kinds, each weighing the same. That calls
# 69 instead of 76 of the 90 what they are, and 10 instead of 6 of the 12. When it was run, the probabilities of each
# network were computed once and kept.
#
# Going on for longer on a GPU was begun with the heads of seeds 1000860 to 1001251 and broken off; nothing was made of it.
#
# As it was run: 393 of the 400 reduced training heads were ready when their time was up (seeds 1000000 to 1000392).
set -euo pipefail
export OPENBLAS_NUM_THREADS=1
WORK=${WORK:-work}
DONOR=${DONOR:-../shared/data/template/scct.nii.gz}
PROCESSES=${PROCESSES:-$(nproc)}
LOADERS=${LOADERS:-2}

phantoms() {  # purpose, how many, further options
    python -m training prepare-phantoms "$@" --difficulty cohort --processes "$PROCESSES"
}

heads() {
    phantoms validation 24 --out "$WORK/heads/validation"
    phantoms validation 30 --skip 24 --size full --out "$WORK/heads/validation-full"
    phantoms training 460 --skip 400 --size full --donor "$DONOR" --out "$WORK/heads/training-donor"
    phantoms training 520 --skip 460 --size full --out "$WORK/heads/training-full"
    phantoms training 400 --out "$WORK/heads/training"
}

train() {  # all six at once; each goes on where it was killed
    if [ ! -d "$WORK/released" ]; then
        mkdir -p "$WORK/0.3.0"
        git archive f032162 appliance/bundle/default | tar x -C "$WORK/0.3.0"
        python -m export checkpoints --bundle "$WORK/0.3.0/appliance/bundle/default" --out "$WORK/released"
    fi
    local run plane
    for run in "$WORK"/released/*; do
        plane=$(basename "$run")
        plane=${plane%-*}
        python -m training run --config training/configs/small-cohort.toml --plane "$plane" --seed "${run##*-}" \
            --start "$run" --heads "$WORK"/heads/training* --validation-heads "$WORK"/heads/validation* \
            --out "$WORK/runs" --device "${DEVICE:-cuda}" --threads 1 --processes "$LOADERS" &
    done
    wait
}

refined_heads() {
    phantoms training 630 --skip 600 --size full --donor "$DONOR" --out "$WORK/refined/training-donor"
    phantoms training 660 --skip 630 --size full --out "$WORK/refined/training-full"
    phantoms training 860 --skip 660 --out "$WORK/refined/training"
}

refine() {  # three of the six, at the same time on two cores; the axial one upright
    local run
    for run in coronal-1 sagittal-1; do
        python -m training run --config training/configs/small-cohort-refined.toml --plane "${run%-*}" \
            --seed "${run#*-}" --start "$WORK/runs/small-cohort-$run" --heads "$WORK"/refined/training* \
            --validation-heads "$WORK"/heads/validation* --out "$WORK/runs" --threads 1 &
    done
    python -m training run --config training/configs/small-cohort-upright.toml --plane axial --seed 0 \
        --start "$WORK/runs/small-cohort-axial-0" --heads "$WORK"/refined/training* \
        --validation-heads "$WORK"/heads/validation* --out "$WORK/runs" --threads 1
    wait
}

fourth_runs() {
    echo "$WORK"/runs/small-cohort-{upright-axial-0,axial-1,coronal-0,refined-coronal-1,sagittal-0,refined-sagittal-1}
}

calibrate() {
    phantoms calibration 90 --out "$WORK/heads/calibration"
    python -m training prepare-phantoms calibration 12 --out "$WORK/heads/calibration-standard"
    # shellcheck disable=SC2046
    python -m calibration run --runs $(fourth_runs) --scratch "$WORK" --balanced \
        --heads "$WORK"/heads/calibration{,-standard} --out "$WORK/calibration.json"
}

bundle() {
    python -m training prepare-phantoms validation 4 --out "$WORK/heads/golden"
    # shellcheck disable=SC2046
    python -m export bundle --runs $(fourth_runs) --calibration "$WORK/calibration.json" \
        --heads "$WORK"/{heads,refined}/training* --validation-heads "$WORK"/heads/validation{,-full} \
        --golden-heads "$WORK/heads/golden" --name strokebox-first --version 0.4.0 --serial 4 --out "$WORK/bundle"
}

evaluate() {  # once
    phantoms test 180 --out "$WORK/heads/test"
    python -m calibration evaluate --bundle "$WORK/bundle" --heads "$WORK/heads/test" --out "$WORK/table"
    python -m calibration slices --bundle "$WORK/bundle" --data ../shared/data/lesions-2d --part test --out "$WORK/slices"
}

"$@"
