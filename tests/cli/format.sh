#!/usr/bin/env bash
# format.sh - data/FORMAT.md against the files: every data set and attribute that it names exists with
# the type that it says, every one that exists is named; and a reader written from the page alone
# reads the journal and predicts.
# Needs FOLDRANK (the program) in the environment.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1

# Studies that together have everything that a file can have.
awk 'BEGIN { print "a,b,colour,code,same,kind,value"
    for (i = 0; i < 200; i++)
        printf "%s,%d,%s,%s,7,k%d,%.3f\n", i % 17 == 5 ? "NA" : i % 101 / 7, i * i % 13,
            i % 19 == 3 ? "" : i % 3 ? "red" : "green", i % 11 == 7 ? "?" : 10 ^ (i % 5 < 4 ? i % 5 : 2),
            (i % 101 + i * i % 13) % 3, 100 + i % 101 / 7 + 2 * (i * i % 13) }' >"$dir/rows.csv"
sed 's/,green,/,violet,/; s/,10,7,/,1.0e1,7,/' "$dir/rows.csv" >"$dir/new.csv"
study() { # NAME TARGET DROPPED TASK MODELS RULE MORE
    cat >"$dir/$1.yaml" <<YAML
study: $1
data: {path: $dir/rows.csv, target: $2, drop: [$3], task: $4, categorical: [code], test: {fraction: 0.2}${group:+, group: $group}}
preprocess: {impute: most_frequent, encode: {choice: [onehot, ordinal]}}
validation: {scheme: kfold, folds: 3}
models: {$5}
train: {epochs: 4, learning_rate: {log: [1.0e-3, 1.0e-1]}}
search: {method: random, trials: 8, seed: 3}
select: {rule: $6}
${metric:+metric: $metric}
${ensemble:+ensemble: {size: 6, candidates: 6\}}
${nested:+nested: {outer_folds: $nested\}}
${calibrate:+calibrate: $calibrate}
output: $dir/$1
YAML
    text=$("$FOLDRANK" run "$dir/$1.yaml" 2>&1 </dev/null)
    tap_result $? "the study $1 runs" "$text"
}
calibrate=platt ensemble=yes study dice kind value classification 'mlp: {hidden: {choice: [[8], [6, 4]]}, activation: gelu}' dice
nested=2 study paired value kind regression 'mlp: {hidden: [7], activation: leaky_relu}, linear: {}' paired_test
calibrate=platt study margins kind value classification 'svm: {l2: {log: [1.0e-6, 1.0e-2]}}' best
metric='[accuracy, log_loss, {minimize: parameters}]' group=b ensemble=yes nested=2
study front kind value classification 'mlp: {hidden: {choice: [[8], [6, 4]]}}' knee
sed '/^train:/d; s/margins/kernels/; s/^preprocess: {/&pca: 4, fourier: 30, fourier_gamma: 0.1, /; s/^models: .*/models: {kernel: {gamma: {log: [0.01, 1]}}}/' "$dir/margins.yaml" >"$dir/kernels.yaml"
text=$("$FOLDRANK" run "$dir/kernels.yaml" 2>&1 </dev/null)
tap_result $? "the study kernels runs" "$text"
sed 's/,k2,/,k1,/' "$dir/rows.csv" >"$dir/two.csv"
sed "s/margins/halves/; s@$dir/rows.csv@$dir/two.csv@; s/^models: .*/models: {mlp: {hidden: [5]}}/
    s/^calibrate: .*/calibrate: {method: temperature, threshold: 0.7}/" "$dir/margins.yaml" >"$dir/halves.yaml"
text=$("$FOLDRANK" run "$dir/halves.yaml" 2>&1 </dev/null)
tap_result $? "the study halves runs" "$text"
trees=
if "$FOLDRANK" --version | grep -q ^XGBoost; then
    trees=trees
    sed '/^train:/d; s/margins/trees/; s/^models: .*/models: {xgboost: {rounds: {int: [2, 9]}, learning_rate: 0.2}}/' "$dir/margins.yaml" >"$dir/trees.yaml"
    text=$("$FOLDRANK" run "$dir/trees.yaml" 2>&1 </dev/null)
    tap_result $? "the study trees runs" "$text"
fi
awk 'BEGIN { print "p1,p2,p3,p4,p5,p6,p7,p8,p9,kind"
    for (i = 0; i < 120; i++) {
        for (j = 1; j < 10; j++) printf "%d,", (i % 3 == j % 3) * 5 + i * j * j % 7
        print "k" i % 3
    } }' >"$dir/pictures.csv"
cat >"$dir/pictures.yaml" <<YAML
study: pictures
data: {path: $dir/pictures.csv, target: kind, task: classification, test: {fraction: 0.2}}
validation: {folds: 3}
models: {cnn: {filters: [4, 4], pool: [1, 2], batch_norm: true, residual: true, hidden: [5], activation: leaky_relu}}
train: {epochs: 4, learning_rate: {log: [1.0e-3, 1.0e-1]}}
search: {method: random, trials: 8, seed: 3}
output: $dir/pictures
YAML
text=$("$FOLDRANK" run "$dir/pictures.yaml" 2>&1 </dev/null)
tap_result $? "the study pictures runs" "$text"
sed "s/margins/texts/; s/^preprocess: .*/preprocess: {scale: tfidf}/
    s@^data: .*@data: {path: $dir/rows.csv, target: kind, text: colour, test: {fraction: 0.2}}@" "$dir/margins.yaml" >"$dir/texts.yaml"
text=$("$FOLDRANK" run "$dir/texts.yaml" 2>&1 </dev/null)
tap_result $? "the study texts runs" "$text"
"$FOLDRANK" predict "$dir/dice" "$dir/new.csv" -o "$dir/classes.h5" >/dev/null 2>&1 </dev/null
"$FOLDRANK" predict "$dir/paired" "$dir/new.csv" -o "$dir/values.h5" >/dev/null 2>&1 </dev/null

# documented SECTION: "path type" for each data set and attribute in the tables of a part of the page;
# a name after a comma has the directory of the one before; types go along with the names, the last
# one repeated.
documented() {
    awk -v part="$1" '
        /^## / { inside = index($0, "## " part) == 1; group = ""; attributes = 0 }
        inside && /^### \// { group = $2; gsub(/[*:]/, "", group); attributes = /attributes$/; if (group == "/") group = "" }
        inside && /^\| / && !/^\| (data set|attribute) / {
            split($0, cell, / *\| */); gsub(/\*/, "", cell[2])
            n = split(cell[2], name, /, */)
            scalar = sub(/, scalar/, "", cell[3]) ? " scalar" : ""
            sub(/ \(.*/, "", cell[3])
            m = split(cell[3], type, /, */); home = ""
            for (i = 1; i <= n; i++) {
                if (name[i] ~ /\//) { home = name[i]; sub(/[^\/]*$/, "", home) } else if (i > 1) name[i] = home name[i]
                print group (attributes ? "@" : "/") name[i] " " (i <= m ? type[i] : type[m]) scalar
            } }' data/FORMAT.md | sort -u
}
# existing FILE...: the same of files; names that the page keeps open are written as it does.
existing() {
    local file
    for file in "$@"; do
        h5ls -rv "$file" | awk '
            function kind(t) {
                if (t ~ /string/) return "text"
                if (t ~ /unsigned long/) return "u64"; if (t ~ /unsigned int/) return "u32"
                if (t ~ /native int/) return "i32"; if (t ~ /native float/) return "f32"
                return t ~ /native double/ ? "f64" : t }
            /^\// { path = $1; is_set = /Dataset/; scalar = /SCALAR/ ? " scalar" : ""; if (path == "/") path = "" }
            /^    Attribute:/ { attribute = $2 }
            /^        Type:/ && attribute != "about" && attribute != "unit" && attribute != "kind" { print path "@" attribute " " kind($0) }
            /^    Type:/ && is_set { print path " " kind($0) scalar }'
    done | sed -E 's@^/(trials|nested)/params/[^ ]+ (f64|text)$@/\1/params/NAME f64 or text@
                   s@^/ensemble/members/[0-9]+/model/@/model/@
                   s@/(scores|scores_se|test_scores)/[^ ]+@/\1/NAME@
                   s@/layer[0-9]+/@/layerI/@; s@/conv[0-9]+/@/convI/@' | sort -u
}
if command -v h5ls >/dev/null; then
    documented 'results.h5' >"$dir/said"
    [ -n "$trees" ] || sed -i '/^.model.trees/d' "$dir/said"
    existing "$dir"/{dice,paired,margins,front,kernels,pictures,texts,halves}/results.h5 ${trees:+"$dir/trees/results.h5"} >"$dir/there"
    tap_empty "results.h5: everything that is there is documented, with its type" "$(comm -13 "$dir/said" "$dir/there")"
    tap_empty "results.h5: everything that is documented is there" "$(comm -23 "$dir/said" "$dir/there")"
    [ "$(wc -l <"$dir/said")" -gt 70 ]
    tap_result $? "the page was understood" "$(cat "$dir/said")"
    documented 'Predictions' | sed -E 's/ text or f64/ f64 or text/' >"$dir/said"
    existing "$dir/classes.h5" "$dir/values.h5" |
        sed -E 's@^/prediction .*@/prediction f64 or text@' | grep -v '^@' | sort -u >"$dir/there"
    tap_empty "predictions: as documented" "$(diff "$dir/said" "$dir/there")"
else
    tap_skip "results.h5 as documented" "h5ls is not installed"
fi

if command -v python3 >/dev/null; then
    for name in dice paired margins kernels; do
        python3 tests/cli/format_reader.py journal "$dir/$name" >"$dir/read" 2>&1
        "$FOLDRANK" show "$dir/$name" -f csv --sort trial | sed 1d | cut -d, -f1,3 >"$dir/shown"
        text=$(paste -d, "$dir/read" "$dir/shown" | awk -F, '{ d = $2 - $4; if (d < 0) d = -d
            if ($1 != $3 || d > 1e-12 * ($4 < 0 ? -$4 : $4)) print } END { if (NR != 8) print NR " rows" }')
        tap_empty "a stranger reads the journal of $name" "$text"
    done
else
    tap_skip "a stranger reads the journal" "python3 is not installed"
fi
if python=$(tests/venv numpy h5py); then
    for name in dice paired margins halves pictures $trees; do
        for data in rows new; do
            [ "$name" = pictures ] && data=pictures
            "$python" tests/cli/format_reader.py predict "$dir/$name/results.h5" "$dir/$data.csv" >"$dir/read" 2>&1
            "$FOLDRANK" predict --with single "$dir/$name" "$dir/$data.csv" 2>/dev/null </dev/null | sed 1d | cut -d, -f2- >"$dir/predicted"
            text=$(paste -d, "$dir/read" "$dir/predicted" | awk -F, -v rows="$(($(wc -l <"$dir/$data.csv") - 1))" '{ n = NF / 2
                for (i = 1; i <= n; i++) { d = $i - $(i + n); if (d < 0) d = -d; size = $i < 0 ? -$i : $i
                    if ($i ~ /^k/ ? $i != $(i + n) : d > 1e-5 * (size > 1 ? size : 1)) { print; next } } }
                END { if (NR != rows) print NR " rows" }' | head -n 5)
            tap_empty "a stranger predicts $data with $name" "$text"
            [ "$name" = pictures ] && break
        done
    done
    "$python" tests/cli/format_reader.py ensemble "$dir/dice/results.h5" "$dir/new.csv" >"$dir/read" 2>&1
    "$FOLDRANK" predict --with ensemble "$dir/dice" "$dir/new.csv" 2>/dev/null </dev/null | sed 1d | cut -d, -f2- >"$dir/predicted"
    text=$(paste -d, "$dir/read" "$dir/predicted" | awk -F, '{ n = NF / 2
        for (i = 1; i <= n; i++) { d = $i - $(i + n); if (d < 0) d = -d
            if ($i ~ /^k/ ? $i != $(i + n) : d > 1e-5) { print; next } } }
        END { if (NR != 200) print NR " rows" }' | head -n 5)
    tap_empty "a stranger predicts with the ensemble of dice" "$text"
else
    tap_skip "a stranger predicts" "$python"
fi
tap_done
