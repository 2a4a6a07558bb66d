#!/usr/bin/env bash
# How the third bundle was made: the networks of the first two, averaged, and calibrated anew on 40 heads. No training.
# Some 45 minutes on two cores. Run from the root of the project with its environment active (052d0f3); everything but
# the bundle lands in work/. When it was made, the probabilities of each network were computed once and kept, by the
# same engines as served; the numbers are those of these commands but for half precision's rounding of the averages.
#
# Chosen on the calibration heads alone, before the bundle saw any other: of 40 heads, 33 came out right in class with the
# average, 30 with the networks of 0.2.0 alone, calibrated in the same way (17 and 13 of the 20 healthy ones).
set -euo pipefail
export OPENBLAS_NUM_THREADS=1

python -m training prepare-phantoms calibration 40 --out work/heads/calibration
python -m training prepare-phantoms validation 4 --out work/heads/golden
mkdir -p work/0.1.0 work/0.2.0
git archive 04b4d24 appliance/bundle/default | tar x -C work/0.1.0
git archive 7b6425f appliance/bundle/default | tar x -C work/0.2.0
for version in 0.1.0 0.2.0; do
    python -m export checkpoints --bundle "work/$version/appliance/bundle/default" --out "work/released/$version"
done
runs=(work/released/0.1.0/{axial,coronal,sagittal}-0 work/released/0.2.0/{axial,coronal,sagittal}-0)
python -m export models --runs "${runs[@]}" --out work/models
python -m calibration coefficients --runs "${runs[@]}" --models work/models --heads work/heads/calibration --tie 0.02 \
    --out work/coefficients.json
python -m calibration classifier --runs "${runs[@]}" --models work/models --calibration work/coefficients.json \
    --heads work/heads/calibration --out work/calibration.json
python -m export bundle --runs "${runs[@]}" --calibration work/calibration.json --golden-heads work/heads/golden \
    --name strokebox-first --version 0.3.0 --serial 3 --out work/bundle
