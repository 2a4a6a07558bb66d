#!/usr/bin/env bash
# How the fifth bundle was made: the six networks of the fourth (fourth.sh), trained on with other heads on a GPU, but for two:
# coronal 0 and sagittal 0 gave way to the fourth's coronal 1 and sagittal 1, which stand beside their successors. Run from the
# root of the project with its environment active, one part at a time, after `heads`, `train`, `refined_heads` and `refine` of
# fourth.sh: everything lands in $WORK.
#
# Coefficients may score 0.03 below the best (--tie), for fewer alarms: of the 126 calibration heads the appliance then calls
# 92 right, and 35 of the 46 healthy ones 'none'; with 0.01, the default, 87 and 27, though IS is marked better (Dice 0.27, not
# 0.23). With 0.01, 16 of the 20 standard seeds had come out right, which gave cause to look again; with 0.03 it is 17 (the
# third bundle: 18). On 24 validation heads 15 are right, DSC 0.44, against the third bundle's 13 and 0.32.
#
# On the test heads, once: 131 of 180 right (57 healthy, 20 IS, 54 IH), DSC of three projections and closing 0.44 (IS 0.19,
# IH 0.70), where the fourth bundle had 116 and 0.40 on the first 180. An evaluation with earlier cut-offs was begun and broken off
# after 28 of them, before any figure was written or read.
#
#   heads      16 cores, 3 minutes
#   long       one H100, 7 minutes
#   last       the same, 2 minutes
#   calibrate  2 cores, an hour
#   bundle     2 cores, two minutes
#   evaluate   2 cores, an hour
#   ship       seconds; before it, remove docs/model-card-head.md and -notes.md, which are another bundle's; after it, write the
#              SHA-256 that `bundle` printed into appliance/shipped.py
#
# As it was run: `long` was ended by hand after 7 minutes, at 6,200 of its 14,000 (axial) and 7,350 of its 22,000 steps; the
# others go on from what it had kept, of steps 3,500 (axial) and 5,500. An end anywhere between steps 3,500 and 7,000
# (axial), 5,500 and 11,000, where weights are looked at, leaves the same. Axial network 0 had the heads of a real head's
# anatomy and those with a scanner's pixels alone. The networks' probabilities on the calibration heads were kept from the
# first --tie to the second.
#
# Sets of networks were compared on the calibration heads, every second or third voxel of them, with pixels as they are. In
# healthy heads of the standard difficulty, which training had none of, coronal 0 and sagittal 0 mark up to 24 and 115 ml of
# ischaemia, and the fourth's coronal 1 and sagittal 1 up to 4 and 10 ml. Dice of IS and IH: this set 0.26 and 0.75; all
# eight 0.25 and 0.76. A scanner's pixels are averaged to about 0.9 mm (docs/adr/0013), with which hardly any is left.
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
    phantoms training 1452 --skip 1252 --out "$WORK/long/training"
    phantoms training 1540 --skip 1452 --donor "$DONOR" --out "$WORK/long/training-donor-reduced"
    phantoms training 1564 --skip 1540 --size full --out "$WORK/long/training-full"
    phantoms training 1604 --skip 1564 --size full --donor "$DONOR" --out "$WORK/long/training-donor"
}

last_run() {  # of the network in fourth.sh
    case $1 in
        axial-0) echo "$WORK/runs/small-cohort-upright-axial-0" ;;
        coronal-1 | sagittal-1) echo "$WORK/runs/small-cohort-refined-$1" ;;
        *) echo "$WORK/runs/small-cohort-$1" ;;
    esac
}

train() {  # configuration, plane-seed, the run that it goes on from
    local heads=("$WORK"/long/training*)
    [ "$2" != axial-0 ] || heads=("$WORK"/long/training-*)
    python -m training run --config "training/configs/$1.toml" --plane "${2%-*}" --seed "${2#*-}" --start "$3" \
        --heads "${heads[@]}" --validation-heads "$WORK"/heads/validation{,-full} --out "$WORK/runs" \
        --device "${DEVICE:-cuda}" --threads 1 --processes "$LOADERS"
}

each() {  # what was begun must end well
    local one
    for one in $(jobs -p); do wait "$one"; done
}

long() {  # all six at once
    for run in {axial,coronal,sagittal}-{0,1}; do
        train small-cohort-long "$run" "$(last_run "$run")" &
    done
    each
}

last() {
    for run in {axial,coronal,sagittal}-{0,1}; do
        train small-cohort-last "$run" "$WORK/runs/small-cohort-long-$run" &
    done
    each
}

fifth_runs() {
    echo "$WORK"/runs/small-cohort-last-axial-{0,1} "$WORK"/runs/small-cohort-{last,refined}-{coronal,sagittal}-1
}

calibrate() {
    phantoms calibration 90 --out "$WORK/heads/calibration"
    phantoms calibration 102 --skip 90 --size full --out "$WORK/heads/calibration-full"
    python -m training prepare-phantoms calibration 24 --out "$WORK/heads/calibration-standard"
    # shellcheck disable=SC2046
    python -m calibration run --runs $(fifth_runs) --scratch "$WORK" --balanced --pixel-mm 0.9 --tie 0.03 \
        --heads "$WORK"/heads/calibration{,-standard,-full} --out "$WORK/fifth.json"
}

bundle() {
    python -m training prepare-phantoms validation 1 --out "$WORK/heads/golden-fifth"
    phantoms validation 12 --skip 11 --out "$WORK/heads/golden-fifth-bleeding"
    cp -r "$WORK"/heads/golden-fifth-bleeding/2000011 "$WORK/heads/golden-fifth/"
    # shellcheck disable=SC2046
    python -m export bundle --runs $(fifth_runs) --calibration "$WORK/fifth.json" \
        --heads "$WORK"/{heads,refined,long}/training* --validation-heads "$WORK"/heads/validation{,-full} \
        --golden-heads "$WORK/heads/golden-fifth" --name strokebox-first --version 0.5.0 --serial 5 --out "$WORK/fifth"
}

evaluate() {  # once
    phantoms test 360 --skip 180 --out "$WORK/heads/test-fifth"
    python -m calibration evaluate --bundle "$WORK/fifth" --heads "$WORK/heads/test-fifth" --out "$WORK/fifth-table"
    python -m calibration slices --bundle "$WORK/fifth" --data ../shared/data/lesions-2d --part test --out "$WORK/fifth-slices"
}

ship() {
    rm -r appliance/bundle/default
    cp -r "$WORK/fifth" appliance/bundle/default
    python tools/model_card_page.py "$WORK/fifth-table/evaluation.json" --slices "$WORK/fifth-slices/slices.md"
}

"$@"
