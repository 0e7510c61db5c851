#!/usr/bin/env bash
# sparse.sh - a study on sparse data: the page of check, the same bits for any number of ranks and
# threads, ranks that share a trial, predictions, export; a scaling that would fill the zeros.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"

# The digits as SVMlight: half of the pixels are 0.
gzip -dc data/digits.csv.gz | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "digit") t = i; next }
    { line = $t; k = 0
      for (i = 1; i <= NF; i++) if (i != t) { k++; if ($i != 0) line = line " " k ":" $i }
      print line }' >"$dir/digits.svm"
head -n 300 "$dir/digits.svm" >"$dir/new.svm"

write_study 4 3 3
sed -i -e "s|^data: .*|data: {path: $dir/digits.svm, storage: sparse, test: {fraction: 0.2, seed: 7}}|" \
    -e 's/scale: standard/scale: maxabs/' "$dir/study.yaml"

"$FOLDRANK" check "$dir/study.yaml" >"$dir/check" 2>&1
tap_result $? "check: accepts it" "$(cat "$dir/check")"
grep -q '1797 rows, 64 features, 10 classes, [0-9]* values that are not 0 (3[0-9.]* a row), sparse cells' \
    "$dir/check"
tap_result $? "check: says how sparse they are" "$(cat "$dir/check")"

launch 1 1 "$dir/reference"
tap_result $? "1 rank, 1 thread: runs" "$(tail -n 20 "$dir/reference.log")"
for ranks in 2 3; do
    launch $ranks 2 "$dir/other"
    status=$?
    found=$(differences "$dir/reference" "$dir/other")
    [ $status -eq 0 ] && [ -z "$found" ]
    tap_result $? "$ranks ranks, 2 threads: same results" "exit status $status" "$found" \
        "$(tail -n 5 "$dir/other.log")"
    rm -rf "$dir/other"
done

# Batches of 256 rows have two shards: two ranks share them.
launch 1 1 "$dir/alone" --set train.batch_size=256
launch 2 1 "$dir/group" --set train.batch_size=256 --set resources.ranks_per_trial=2
tap_result $? "2 ranks for a trial: runs" "$(tail -n 20 "$dir/group.log")"
tap_empty "2 ranks for a trial: same weights" \
    "$(h5diff -q "$dir/alone/results.h5" "$dir/group/results.h5" /model/parameters 2>&1)"

"$FOLDRANK" predict "$dir/reference/results.h5" "$dir/new.svm" -o "$dir/sparse.csv" 2>"$dir/log"
tap_result $? "predict: reads SVMlight" "$(cat "$dir/log")"
right=$(paste -d, <(cut -d' ' -f1 "$dir/new.svm") <(tail -n +2 "$dir/sparse.csv") |
    awk -F, '{ n += $1 == $2 || $1 == $3 } END { print n }')
[ "${right:-0}" -gt 255 ]
tap_result $? "predict: most are right" "$right of 300" "$(head -n 3 "$dir/sparse.csv")"
"$FOLDRANK" export "$dir/reference/results.h5" --onnx "$dir/model.onnx" 2>"$dir/log" &&
    [ -s "$dir/model.onnx" ]
tap_result $? "export: ONNX" "$(cat "$dir/log")"

"$FOLDRANK" check "$dir/study.yaml" --set preprocess.scale=standard >"$dir/log" 2>&1
[ $? -eq 2 ] && grep -q 'preprocess.scale is standard, which moves 0.*set it to maxabs, tfidf or none' "$dir/log"
tap_result $? "scale: standard is refused with advice" "$(cat "$dir/log")"
"$FOLDRANK" check "$dir/study.yaml" --set 'preprocess.scale={choice: [none, minmax]}' >"$dir/log" 2>&1
[ $? -eq 2 ] && grep -q 'preprocess.scale is minmax' "$dir/log"
tap_result $? "so is a choice that has such a value" "$(cat "$dir/log")"
"$FOLDRANK" import "$dir/digits.svm" "$dir/x.h5" >"$dir/log" 2>&1
tap_result $? "import: small data become a dense table" "$(cat "$dir/log")"
tap_done
