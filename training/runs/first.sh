#!/usr/bin/env bash
# How the first bundle was made: synthetic heads, three small networks, calibration, export. About two hours on two cores.
# Run from the root of the project with its environment active; everything but the bundle lands in work/first.
set -euo pipefail
export OPENBLAS_NUM_THREADS=1

python -m training prepare-phantoms validation 12 --out work/first/validation
python -m training prepare-phantoms training 96 --out work/first/training
