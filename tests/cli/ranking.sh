#!/usr/bin/env bash
# ranking.sh - metrics that rank the rows of each user, from the study to predict: two families
# in one search, with explanations and an ensemble; recomputed from the written predictions.
# Needs FOLDRANK (the program) and MPIRUN (ending in -n) in the environment.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1

# 40 users, 25 items, each pair once in a fixed disorder; every fifth row is a test row.
awk -v dir="$dir" 'BEGIN {
    train = dir "/train.csv"; test = dir "/test.csv"
    print "user,item,age,stars" >train; print "user,item,age,stars" >test
    for (k = 0; k < 1000; k++) {
        i = k * 377 % 1000; u = i % 40; m = int(i / 40)
        taste = sin(1.7 * u) * cos(2.3 * m) + 0.6 * sin(5 * m) + 0.3 * sin(77.7 * i)
        stars = int(6 + 4 * taste + 0.5) / 2; stars = stars < 0.5 ? 0.5 : stars > 5 ? 5 : stars
        print "u" u ",m" m "," i % 7 "," stars >(k % 5 == 4 ? test : train)
    } }'
printf 'user,item,taste\na,x,1\na,y,-1\nb,x,2\nb,y,4\nc,x,1\nc,y,5\n' >"$dir/low.csv"
study() {
    sed "$@" <<YAML
study: ranking
data: {path: $dir/train.csv, target: stars, task: regression, user: user, relevant: 4, test: {path: $dir/test.csv}}
validation: {scheme: kfold, folds: 3}
metric: [ndcg@3, recall@2, rmse]
models: {fm: {factors: 4}, linear: {}}
train: {optimizer: adam, learning_rate: 0.02, batch_size: 64, epochs: 8}
search: {method: grid, trials: 2}
explain: {when: always}
output: $dir/out
YAML
}
study '' >"$dir/study.yaml"
# shellcheck disable=SC2086
text=$($MPIRUN 2 "$FOLDRANK" run "$dir/study.yaml" 2>&1)
tap_result $? "a search by ndcg@3, recall@2 and rmse" "$text"
tested() {
    sed -n "s/^test $1: \([0-9.]*\) .*/\1/p" <<<"$text"
}

# Predictions of the test rows, scored here: no two of them are equal.
printed=$("$FOLDRANK" predict "$dir/out" "$dir/test.csv" -o "$dir/said.csv" 2>&1)
own=$(paste -d, "$dir/test.csv" "$dir/said.csv" | awk -F, '
    NR == 1 { for (c = 5; c <= NF; c++) if ($c ~ /^predict/) said = c; next }
    { n[$1]++; y[$1, n[$1]] = $4; p[$1, n[$1]] = $said }
    function best(u, by,   i, at) {
        for (i = 1; i <= n[u]; i++) if (!((u, i) in used) && (at == 0 || by[u, i] > by[u, at])) at = i
        used[u, at] = 1
        return at
    }
    END {
        for (u in n) {
            got = ideal = hit = want = 0
            for (r = 1; r <= n[u]; r++) {
                at = best(u, p)
                if (r <= 3) got += y[u, at] * log(2) / log(r + 1)
                hit += r <= 2 && y[u, at] >= 4; want += y[u, at] >= 4
            }
            delete used
            for (r = 1; r <= n[u] && r <= 3; r++) ideal += y[u, best(u, y)] * log(2) / log(r + 1)
            delete used
            sum += got / ideal; users++
            if (want > 0) { recall += hit / want; wanting++ }
        }
        printf "%.6g %.6g\n", sum / users, recall / wanting
    }')
[ -n "$(tested ndcg@3)" ] && [ "$own" = "$(tested ndcg@3) $(tested recall@2)" ]
tap_result $? "the test scores are those of the written predictions" "here: $own" "$text"
grep -q "^ndcg@3 $(tested ndcg@3) on 200 rows" <<<"$printed"
tap_result $? "predict scores the same file the same" "$printed"
shown=$("$FOLDRANK" show "$dir/out" --explain 2>&1)
grep -q 'ndcg@3' <<<"$shown" && grep -q '^importance\|^ *user ' <<<"$shown"
tap_result $? "show names the metric, and what the model goes by" "$shown"

# One metric, an ensemble, users as groups: no feature, so predict cannot know them.
study -e 's/metric: .*/metric: map@5/; s/user: user/group: user/; s#/out#/two#' \
    -e 's/explain: .*/ensemble: {size: 3}/' -e 's/kfold, folds: 3/group_kfold, folds: 2/' >"$dir/two.yaml"
# shellcheck disable=SC2086
text=$($MPIRUN 2 "$FOLDRANK" run "$dir/two.yaml" 2>&1)
tap_result $? "an ensemble by map@5 of groups" "$text"
printed=$("$FOLDRANK" predict "$dir/two" "$dir/test.csv" -o "$dir/said.csv" 2>&1) &&
    grep -q 'map@5 is not taken: .*data.user' <<<"$printed"
tap_result $? "predict says why it cannot rank by a column that is no feature" "$printed"
text=$("$FOLDRANK" export "$dir/two" --card "$dir/card.md" --c "$dir/model.h" 2>&1) &&
    grep -q 'map@5' "$dir/card.md"
tap_result $? "the card has the metric" "$text"

# By time: of each user the last row is for the test, the one before it validates.
study -e 's/user: user/user: user, time: age/; s#test: .*#test: {last: 1}}#; s#/out#/last#' \
    -e 's/scheme: kfold, folds: 3/scheme: leave_last_out, last: 2/' >"$dir/last.yaml"
text=$("$FOLDRANK" check "$dir/last.yaml" 2>&1) &&
    grep -q '^test  *32 rows .* 768 for the search' <<<"$text" &&
    grep -q 'fold 0: 704 training rows, 64 validation rows' <<<"$text"
tap_result $? "check counts the last rows of each user" "$text"
# shellcheck disable=SC2086
text=$($MPIRUN 2 "$FOLDRANK" run "$dir/last.yaml" 2>&1) && grep -q '^test ndcg@3: ' <<<"$text"
tap_result $? "a search that leaves each user's last rows out" "$text"

# refused NAME PATTERN SED...: a study that check must refuse with exit 2.
refused() {
    local name=$1 pattern=$2 said
    shift 2
    study "$@" >"$dir/bad.yaml"
    said=$("$FOLDRANK" check "$dir/bad.yaml" 2>&1)
    [ $? -eq 2 ] && grep -qE -- "$pattern" <<<"$said"
    tap_result $? "$name" "pattern: $pattern" "$said"
}
refused "no users" 'bad\.yaml:4: .*ndcg@3 ranks the rows of each user.*data\.user' -e 's/user: user, //'
refused "no k" 'bad\.yaml:4: .*ndcg. does not say how many rows .*such as ndcg@10' -e 's/ndcg@3/ndcg/'
refused "all rows relevant" 'bad\.yaml:4: metric recall@2 .*all rows of .*data\.relevant' \
    -e 's/relevant: 4, //'
refused "relevant for nothing" 'bad\.yaml:2: data\.relevant has no effect' -e 's/recall@2, //'
refused "gains below 0" 'bad\.yaml:4: metric ndcg@3 takes the target for a gain, and taste is -1 in row 2' \
    -e "s#$dir/train.csv#$dir/low.csv#; s/stars/taste/; s#, test: .*#}#"
refused "many classes" 'bad\.yaml:4: metric map@5 ranks by a number or by one of two classes' \
    -e 's/metric: .*/metric: map@5/; s/regression/classification/; s/relevant: 4, //' \
    -e 's/fm: .*}, linear/softmax/'
refused "the user as group, too" 'both data\.group and data\.user' -e 's/relevant: 4/&, group: user/'
refused "last rows of nobody" 'bad\.yaml:3: .*leave_last_out needs data\.user' \
    -e 's/user: user, //; s/kfold, folds: 3/leave_last_out/; s/metric: .*/metric: rmse/; s/relevant: 4, //'
refused "folds of one end" 'bad\.yaml:3: validation\.folds has no effect with scheme leave_last_out' \
    -e 's/kfold, folds/leave_last_out, folds/'
refused "a time that nothing goes by" 'bad\.yaml:2: data\.time has no effect' -e 's/user: user/&, time: age/'
refused "a test part by a time that is not there" 'bad\.yaml:2: data\.test\.by time needs data\.time' \
    -e 's/test: {.*/test: {fraction: 0.2, by: time}}/'
refused "nested and each user's end" 'bad\.yaml:9: nested.* leave_last_out' \
    -e 's/kfold, folds: 3/leave_last_out/; s/^output/nested: {outer_folds: 3}\n&/'
tap_done
