# shellcheck shell=bash
# exported.sh - for tests that source it: run a study, export its model, and compare what the ONNX
# model in onnxruntime and the C function, compiled by gcc and clang, say with `foldrank predict`.
# Needs tests/tap.sh, FOLDRANK and $dir, an empty directory.
python=$(tests/venv numpy onnx onnxruntime) || { no_python=$python python=; }
: >"${dir:?}/cases"

# The C function on a CSV file: a line of outputs for each row. The columns that are categories are
# asked for by their text.
cat >"$dir/driver.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include MODEL
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define CALL(what) JOIN(NAME, what)
static const int takes[] = {TAKES}; /* column of the file for each x; negative: text, from -1 */

int main(void)
{
    static char line[1 << 16];
    char *cell[4096];
    while (fgets(line, sizeof line, stdin) != NULL) {
        float x[sizeof takes / sizeof *takes];
        size_t n = 0, i;
        char *at = line;
        for (;;) { /* cells are separated by \x1f */
            cell[n++] = at;
            while (*at != '\x1f' && *at != '\n') at++;
            if (*at == '\n') break;
            *at++ = '\0';
        }
        *at = '\0';
#ifdef TEXT
#define INPUT cell[TEXT]
        (void)x;
        (void)takes;
#else
#define INPUT x
#endif
        for (i = 0; i < sizeof takes / sizeof *takes; i++) {
            const char *text = cell[takes[i] < 0 ? -takes[i] - 1 : takes[i]];
            x[i] = *text == '\0' ? NAN : (float)strtod(text, NULL);
#ifdef TEXTS
            if (takes[i] < 0) x[i] = CALL(_category)((int)i, text);
#endif
        }
#ifdef CLASSES
        {
            float out[CLASSES];
            const int k = CALL(_predict)(INPUT, out);
            printf("%s", CALL(_class)(k));
            for (i = 0; i < CLASSES; i++) printf("\x1f%.9g", out[i]);
            printf("\n");
        }
#else
        printf("%.9g\n", CALL(_predict)(INPUT));
#endif
    }
    return 0;
}
C
# cells: CSV on stdin, without its header, cells separated by \x1f.
cells() {
    sed 1d | awk '{ out = ""; quoted = 0
        for (i = 1; i <= length($0); i++) { c = substr($0, i, 1)
            if (c == "\"") { if (quoted && substr($0, i + 1, 1) == "\"") { out = out c; i++ } else quoted = !quoted }
            else out = out (c == "," && !quoted ? "\037" : c) }
        print out }'
}
# worst GOT WANTED: largest difference, relative above 1; "label" when a clear winner differs.
worst() {
    paste -d $'\x1e' "$1" "$2" | awk -F '\036' -v worst=0 '{ n = split($1, got, "\037")
        if (n == 0 || split($2, want, "\037") != n + 1) missing = 1
        margin = 0; top = -1e30; second = -1e30
        for (i = n > 1 ? 2 : 1; i <= n; i++) { w = want[i + 1]; d = got[i] - w; if (d < 0) d = -d
            if (w > top) { second = top; top = w } else if (w > second) second = w
            size = w < 0 ? -w : w; if (size > 1) d /= size; if (!(d <= worst)) worst = d }
        if (n > 1 && top - second > 1e-5 && got[1] != want[2]) other = 1
        rows++ } END { if (rows == 0 || missing) print "none"; else if (other) print "label"; else printf "%.3g\n", worst }'
}

# compare_c NAME IDENTIFIER CLASSES TAKES DATA...: with every compiler there is. $text_column is the number
# of the column that the model takes, if it counts words.
compare_c() {
    local name=$1 id=$2 classes=$3 takes=$4 compiler data text worst bad=
    shift 4
    local flags=(-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror -O2 -I"$dir" "-DMODEL=\"$name.h\""
        "-DNAME=$id" "-DTAKES=$takes")
    [ "$classes" -gt 0 ] && flags+=("-DCLASSES=$classes")
    [ -z "${text_column:-}" ] || flags+=("-DTEXT=$text_column")
    [[ $takes == *-* ]] && flags+=(-DTEXTS)
    for compiler in gcc clang; do
        if ! command -v $compiler >/dev/null; then
            tap_skip "$name: C by $compiler" "$compiler is not installed"
            continue
        fi
        bad=$($compiler "${flags[@]}" -o "$dir/driver" "$dir/driver.c" -lm 2>&1) || bad="does not compile: $bad"
        for data in "$@"; do
            [ -n "$bad" ] && break
            cells <"$dir/$data.csv" | "$dir/driver" >"$dir/got"
            cells <"$dir/$name.$data.csv" | sed 's/^[0-9]*\x1f//; s/^/\x1f/' >"$dir/wanted"
            worst=$(worst "$dir/got" "$dir/wanted")
            awk -v w="$worst" 'BEGIN { exit !(w ~ /^[0-9]/ && w + 0 <= 1e-5) }' || bad="$data: difference $worst"
        done
        [ -z "$bad" ]
        tap_result $? "$name: C by $compiler" "$bad"
    done
}

# export_study NAME DATA...: run it, export it, predict the data, and note the ONNX cases.
export_study() {
    local name=$1 text data
    shift
    if ! text=$("$FOLDRANK" run "$dir/$name.yaml" 2>&1 </dev/null) ||
        ! text=$("$FOLDRANK" export "$dir/$name" --with "${with:-auto}" --onnx "$dir/$name.onnx" --c "$dir/$name.h" 2>&1 </dev/null); then
        tap_result 1 "$name: run and export" "$text"
        return 1
    fi
    for data in "$@"; do
        text=$("$FOLDRANK" predict --with "${with:-auto}" "$dir/$name" "$dir/$data.csv" -o "$dir/$name.$data.csv" 2>&1 </dev/null) || {
            tap_result 1 "$name: predict" "$text"
            return 1
        }
        printf '%s: %s\t%s\t%s\t%s\n' "$name" "$data" "$dir/$name.onnx" "$dir/$data.csv" "$dir/$name.$data.csv" >>"$dir/cases"
    done
}

# study NAME TASK MODEL PREPROCESS [CALIBRATE]
study() {
    local target=kind other=value metric=accuracy
    [ "$2" = regression ] && target=value other=kind metric=rmse
    [ "$2" = binary ] && target=label other="kind, value"
    cat >"$dir/$1.yaml" <<YAML
study: $1
data: {path: $dir/train.csv, target: $target, task: ${2/binary/classification}, drop: [$other], categorical: [code], test: {path: $dir/test.csv}}
preprocess: {$4}
validation: {scheme: kfold, folds: 2}
metric: $metric
models: {$3}
$([[ $3 == kernel* || $3 == xgboost* ]] || echo 'train: {epochs: 12, learning_rate: {log: [1.0e-3, 1.0e-2]}}')
search: {method: random, trials: ${trials:-1}, seed: 1}
calibrate: {${5:-}}
${trials:+ensemble: {size: 6, bags: 4\}}
output: $dir/$1
YAML
}

# compare_onnx: all cases that were noted.
compare_onnx() {
    if [ -n "$python" ]; then
        "$python" tests/cli/export_onnx.py "$dir" >"$dir/onnx.log" 2>&1
        while IFS=$'\t' read -r verdict name detail; do
            case $verdict in
            worst) echo "# largest difference between onnxruntime and predict: $name" ;;
            ok | 'not ok')
                [ "$verdict" = ok ]
                tap_result $? "$name: ONNX in onnxruntime" "$detail"
                ;;
            esac
        done <"$dir/onnx.log"
        [ "$(grep -cE '^(not )?ok' "$dir/onnx.log")" -eq "$(wc -l <"$dir/cases")" ]
        tap_result $? "every ONNX model was looked at" "$(tail -n 5 "$dir/onnx.log")"
    else
        while IFS=$'\t' read -r name _; do
            tap_skip "$name: ONNX in onnxruntime" "$no_python"
        done <"$dir/cases"
    fi
}
