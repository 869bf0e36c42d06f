#!/usr/bin/env bash
# The networks that fuse, again, from nothing: films are rendered, ingested and read back, two networks learn from them,
# and the pack of both is written.
#
#   tools/make_fusers.sh OUT
#
# OUT/films and OUT/data (read-backs), OUT/runs, OUT/pack. What is there already is used, so a killed one goes on.
set -euo pipefail

out=${1:?give a folder}
py=.venv/bin/python
train=.venv-train/bin/python

# Name, seed, cast, people, minutes. The recipes name those that are learned from, and LEFT is calibrated on.
films="s101 101 101 16 3
s102 102 101 16 3
s104 104 104 14 3
7101 7101 7101 12 2.5
7102 7102 7102 12 2.5
8101 8101 8101 12 2.5
8102 8102 8102 12 2.5"
left="8101 8102 7102"

mkdir -p "$out/data" "$out/runs"
while read -r name seed cast people minutes; do
  [ -f "$out/data/$name.npz" ] && continue
  "$py" -m synthetic render --seed "$seed" --cast-seed "$cast" --identities "$people" --minutes "$minutes" \
    --out "$out/films/$name"
  "$py" -m evaluation run --protocol csm --films "$out/films/$name" --appearances "$out/data/$name.npz" \
    --json "$out/data/$name.json" >/dev/null
done <<<"$films"

for recipe in association attention; do
  "$train" -m training run "training/recipes/$recipe.toml" --data "$out/data" --out "$out/runs/$recipe"
done
# shellcheck disable=SC2086
"$train" -m training fusers --weights "$out/runs/association/weights.pt" "$out/runs/attention/weights.pt" \
  --data "$out/data" --films $left --pack packs/demo --out "$out/pack"
