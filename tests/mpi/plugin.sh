#!/usr/bin/env bash
# plugin.sh - shared objects as the objective: the example is tuned with pruning and folds, with the
# same results for any number of ranks; what is no plug-in is refused with a reason.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"
: "${CC:=mpicc}"

# compile SOURCE OBJECT
compile() {
    "$CC" -std=c11 -Wall -Wextra -Werror -shared -fPIC -Iinclude -o "$2" "$1" -lm
}

compile tests/examples/plugin.c "$dir/valley.so"
tap_result $? "the example compiles with plugin.h alone"

cat >"$dir/study.yaml" <<YAML
study: valley
objective:
  type: plugin
  path: $dir/valley.so
  options: "100"
  steps: 50
  parameters:
    rate: {log: [1.0e-4, 0.1]}
    momentum: {float: [0, 0.99], when: {method: heavy ball}}
    method: {choice: [plain, heavy ball]}
validation: {folds: 3}
search: {method: tpe, trials: 60, seed: 3, concurrency: 8}
pruning: [hyperband, racing]
output: $dir/unused
YAML
cp "$dir/study.yaml" "$dir/good.yaml"
for ranks in 4 1 2 3; do
    launch $ranks 1 "$dir/out$ranks"
    tap_result $? "example, $ranks ranks" "$(tail -n 20 "$dir/out$ranks.log")"
    [ $ranks -eq 4 ] ||
        tap_empty "same results on 4 and $ranks ranks" "$(differences "$dir/out4" "$dir/out$ranks")"
done
"$FOLDRANK" show "$dir/out4" --format csv --top 99 >"$dir/out.csv"
[ "$(grep -c ,pruned, "$dir/out.csv")" -gt 5 ] && [ "$(grep -c ,complete, "$dir/out.csv")" -gt 5 ]
tap_result $? "trials are pruned and complete" "$(cat "$dir/out.csv")"
"$FOLDRANK" show "$dir/out4" --trial 0 | grep -q 'heavy ball\|plain'
tap_result $? "choices are texts"

# refused NAME PATTERN BODY: a plug-in with this in it is refused with exit 2, by run.
refused() {
    printf '#include <foldrank/plugin.h>\n#include <stddef.h>\n%s\n' "$3" >"$dir/bad.c"
    compile "$dir/bad.c" "$dir/bad.so" || return
    sed "s#valley.so#bad.so#" "$dir/good.yaml" >"$dir/study.yaml"
    launch 2 1 "$dir/bad_out"
    local status=$?
    [ $status -eq 2 ] && grep -qE "$2" "$dir/bad_out.log"
    tap_result $? "$1" "exit status $status" "$(tail -n 5 "$dir/bad_out.log")"
}
table() { echo "const fr_plugin *foldrank_plugin(void) { static const fr_plugin p = {$1}; return &p; }"; }
evaluate='static int ev(void *s, const fr_plugin_task *t, double *v) { (void)s; (void)t; *v = 1; return 0; }'
refused "no function foldrank_plugin" 'bad.so exports no function foldrank_plugin' 'int other;'
refused "another version" 'made for version 99 of the plug-in interface, this foldrank has version 1' \
    "$evaluate $(table '99, NULL, ev, NULL')"
refused "no evaluate" 'bad.so has no function evaluate' "$(table 'FR_PLUGIN_ABI, NULL, NULL, NULL')"
refused "init fails" 'bad.so does not start: no licence' "$evaluate
static int in(const fr_plugin_setup *s, void **p) { (void)p; s->fail(s, \"no licence\"); return FR_PLUGIN_FAILED; }
$(table 'FR_PLUGIN_ABI, in, ev, NULL')"
refused "a library that is not there" 'cannot load .*missing_function' 'int missing_function(void);
const fr_plugin *foldrank_plugin(void) { return missing_function() ? NULL : NULL; }'
echo "not an object" >"$dir/bad.so"
"$FOLDRANK" check "$dir/study.yaml" 2>"$dir/check.log"
[ $? -eq 2 ] && grep -q 'cannot load .*bad.so' "$dir/check.log"
tap_result $? "check finds what is no shared object" "$(cat "$dir/check.log")"

# A task that fails is a row; one that is decided ends early; the directory is there.
cat >"$dir/odd.c" <<'C'
#include <foldrank/plugin.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
static int ev(void *s, const fr_plugin_task *t, double *v)
{
    const char *what = t->values[0].text;
    char path[4096];
    (void)s;
    if (strcmp(what, "fail") == 0) {
        t->fail(t, "the matrix is singular");
        return FR_PLUGIN_FAILED;
    }
    if (strcmp(what, "mute") == 0) return FR_PLUGIN_REPORTED;
    if (strcmp(what, "late nan") == 0) {
        t->report(t, 1, 2.0, NAN);
        return t->report(t, 2, NAN, NAN) ? FR_PLUGIN_DONE : FR_PLUGIN_FAILED;
    }
    while (strcmp(what, "wait") == 0 && !t->should_stop(t)) continue;
    if (strcmp(what, "file") == 0) {
        snprintf(path, sizeof path, "%s/note", t->directory(t));
        FILE *f = fopen(path, "w");
        if (f == NULL || fclose(f) != 0) return FR_PLUGIN_FAILED;
        *v = 1;
    }
    return FR_PLUGIN_DONE; /* nan: as it was */
}
const fr_plugin *foldrank_plugin(void)
{
    static const fr_plugin p = {FR_PLUGIN_ABI, NULL, ev, NULL};
    return &p;
}
C
compile "$dir/odd.c" "$dir/odd.so"
cat >"$dir/study.yaml" <<YAML
study: odd
objective: {type: plugin, path: $dir/odd.so, parameters: {what: {choice: [fail, mute, late nan, file, nan]}}}
search: {method: grid}
output: $dir/unused
YAML
launch 2 1 "$dir/odd_out"
tap_result $? "odd tasks: the run ends" "$(tail -n 20 "$dir/odd_out.log")"
"$FOLDRANK" show "$dir/odd_out" --format csv --top 99 >"$dir/odd.csv"
for row in 'failed.*fail.*the matrix is singular' 'failed.*mute.*nothing was reported' \
    'diverged.*late nan.*the value is nan at step 2' 'complete.*file' 'diverged.*,"?nan"?,the value is nan'; do
    grep -qE "$row" "$dir/odd.csv"
    tap_result $? "odd task: $row" "$(cat "$dir/odd.csv")"
done
[ -f "$dir/odd_out/trials/000003/fold0/note" ]
tap_result $? "a task's directory is made when it asks" "$(find "$dir/odd_out")"

sed -i 's/choice: .*/choice: [wait]}}}/' "$dir/study.yaml"
launch 2 1 "$dir/wait_out" --time 1s
status=$?
[ $status -eq 75 ] && [ -z "$(folds_in "$dir/wait_out")" ]
tap_result $? "a plug-in that asks is stopped in time" "exit status $status" "$(tail -n 5 "$dir/wait_out.log")"
tap_done
