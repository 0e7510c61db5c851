#!/usr/bin/env bash
# command.sh - other people's programs as the objective: pruned, cross-validated, the same results
# for any number of ranks; and whatever they do - hang, ignore SIGTERM, fork, flood - contained.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"

# A marker in every environment: what still has it after a run was left behind.
export COMMAND_TEST=$$-$RANDOM
survivors() {
    local file
    for file in /proc/[0-9]*/environ; do
        [ "$file" = "/proc/$$/environ" ] && continue
        tr '\0' '\n' <"$file" | grep -qx "MARK=$COMMAND_TEST" && tr '\0' ' ' <"${file%environ}cmdline"
    done 2>/dev/null
}

# ---- a shell command ----
cat >"$dir/shell.yaml" <<YAML
study: shell
objective:
  type: command
  run: >-
    for e in 1 2 3 4 5 6 7 8 9; do
    awk "BEGIN { print \"foldrank step=\$e value=\" ({x} - 0.3)^2 + 1 / \$e + 0.01 * sin(9 * {fold} + {trial}) }";
    done
  shell: true
  metric: rmse
  parameters: {x: {float: [0, 1]}, kind: {choice: [a, "b c"]}}
validation: {folds: 3}
search: {method: tpe, trials: 16, seed: 1, concurrency: 4}
pruning: {method: [asha, racing], reduction: 2}
output: $dir/unused
YAML
cp "$dir/shell.yaml" "$dir/study.yaml"
for ranks in 4 1 2 3; do
    launch $ranks 1 "$dir/shell$ranks"
    tap_result $? "shell command, $ranks ranks" "$(tail -n 20 "$dir/shell$ranks.log")"
    [ $ranks -eq 4 ] ||
        tap_empty "same results on 4 and $ranks ranks" "$(differences "$dir/shell4" "$dir/shell$ranks")"
done
"$FOLDRANK" show "$dir/shell4" --format csv --top 99 >"$dir/shell.csv"
[ "$(grep -c ,pruned, "$dir/shell.csv")" -gt 2 ] && [ "$(grep -c ,complete, "$dir/shell.csv")" -gt 2 ]
tap_result $? "trials are pruned and complete" "$(cat "$dir/shell.csv")"
grep -q '^foldrank step=9 value=' "$dir/shell4/trials/000000/fold2/output.log"
tap_result $? "output is kept by trial and fold"

# ---- Python, with the protocol ----
# program [TORCH]: the objective, a quadratic function of the parameters that gets better by step.
write_python() {
    cp analysis/foldrank/objective.py "$dir/fr_objective.py"
    cat >"$dir/train.py" <<PYTHON
import sys, time
sys.path.insert(0, "$dir")
import fr_objective as objective
$1
p = objective.parameters()
assert p["layers"] in ([8], [8, 4]) and p["name"] in ("plain", "two words"), p
assert ("momentum" in p) == (p["name"] == "plain"), p
for epoch in range(9):
    value = train(p["rate"], epoch + 1, objective.seed())
    objective.report(value, step=epoch, loss=2 * value)
    if value > 1.2:
        time.sleep(60)  # only whoever is pruned in time does not wait
PYTHON
}
write_python_study() {
    cat >"$dir/study.yaml" <<YAML
study: python
objective:
  type: command
  run: "python3 '$dir/train.py' {rate} --momentum {momentum} {name}"
  timeout: 40s
  parameters:
    rate: {float: [0, 1]}
    layers: {choice: [[8], [8, 4]]}
    name: {choice: [plain, two words]}
    momentum: {float: [0, 0.9], when: {name: plain}}
search: {method: random, trials: 12, seed: 2, concurrency: 4}
pruning: {method: threshold, threshold: 1.2}
output: $dir/unused
YAML
    sed -i "s/timeout: 40s/&\n  steps: 9/; s#python3#$1#" "$dir/study.yaml"
}
if command -v python3 >/dev/null; then
    write_python "def train(rate, epoch, seed): return rate + 1 / (epoch + 1)"
    write_python_study python3
    launch 4 1 "$dir/python"
    tap_result $? "Python program with 4 ranks" "$(tail -n 20 "$dir/python.log")"
    "$FOLDRANK" show "$dir/python" --format csv --top 99 >"$dir/python.csv"
    [ "$(grep -c ,pruned, "$dir/python.csv")" -gt 0 ] &&
        [ "$(grep -cE ',(pruned|complete),' "$dir/python.csv")" -eq 12 ]
    tap_result $? "running programs are ended when beaten" "$(cat "$dir/python.csv")"
else
    tap_skip "Python program with 4 ranks" "there is no python3"
    tap_skip "running programs are ended when beaten" "there is no python3"
fi
torch=${TORCH_PYTHON:-python3}
if "$torch" -c 'import torch' 2>/dev/null; then
    write_python "import torch
def train(rate, epoch, seed):
    torch.manual_seed(seed)
    w = torch.tensor(rate, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.01)
    for _ in range(epoch):
        optimizer.zero_grad()
        (w * w).backward()
        optimizer.step()
    return w.detach() + 1 / (epoch + 1)"
    write_python_study "$torch"
    RUN_TIMEOUT=250 launch 4 1 "$dir/torch"
    tap_result $? "PyTorch program with 4 ranks" "$(tail -n 20 "$dir/torch.log")"
    [ "$("$FOLDRANK" show "$dir/torch" --format csv --top 99 | grep -cE ',(pruned|complete),')" -eq 12 ]
    tap_result $? "PyTorch programs are pruned or complete" "$("$FOLDRANK" show "$dir/torch")"
else
    tap_skip "PyTorch program with 4 ranks" "$torch has no torch"
    tap_skip "PyTorch programs are pruned or complete" "$torch has no torch"
fi

# ---- whatever programs do ----
cat >"$dir/wild" <<'WILD'
#!/bin/bash
export MARK=$COMMAND_TEST
case $1 in
good) echo "foldrank value=1" ;;
unended) printf 'foldrank value=2' ;;
exit) echo "no such layer" >&2; echo "foldrank value=1"; exit 3 ;;
signal) kill -SEGV $$ ;;
silent) echo "value=1" ;;
empty) echo "foldrank loss=3" ;;
nan) echo "foldrank step=1 value=nan"; sleep 100 ;;
hang) echo "foldrank step=7 value=1"; sleep 100 ;;
deaf) trap '' TERM; while :; do sleep 100; done ;;
fork) # children in the same group, in sessions of their own, deaf; and the parent goes
    (trap '' TERM; sleep 100) &
    setsid bash -c "trap '' TERM; setsid sleep 100 & sleep 100" &
    sleep 0.2
    echo "foldrank value=1" ;;
forkhang) setsid bash -c "trap '' TERM; sleep 100 & sleep 100" & sleep 100 ;;
stopped) kill -STOP $$; sleep 100 ;;
flood) yes "foldrank is not a report, but a line that comes again and again" | head -c 1000000000
    echo "foldrank value=1" ;;
line) head -c 50000000 /dev/zero | tr '\0' x; echo; echo "foldrank value=1" ;;
closed) exec >&- 2>&-; sleep 0.2 ;;
cwd) cd / && [ -d "$FOLDRANK_DIRECTORY" ] && [ -z "$OMPI_COMM_WORLD_RANK" ] &&
    grep -q '"case": "cwd"' "$FOLDRANK_PARAMETERS" && echo "foldrank value=1" ;;
esac
WILD
chmod +x "$dir/wild"
cases=(good unended exit signal silent empty nan hang deaf fork forkhang stopped flood line closed cwd)
cat >"$dir/study.yaml" <<YAML
study: wild
objective:
  type: command
  run: "$dir/wild {case}"
  timeout: 90s
  grace: 1s
  parameters: {case: {choice: [$(IFS=,; echo "${cases[*]}")]}}
search: {method: grid}
output: $dir/unused
YAML
# Only these are meant to time out, and need not be waited for so long.
sed "s/timeout: 90s/timeout: 2s/; s/choice: .*/choice: [good, hang, deaf, forkhang, stopped]}}/" \
    "$dir/study.yaml" >"$dir/slow.yaml"
sed -i 's/hang,deaf,//; s/forkhang,stopped,//' "$dir/study.yaml"
RUN_TIMEOUT=200 launch 3 1 "$dir/wild_out"
tap_result $? "wild programs: the run ends" "$(tail -n 20 "$dir/wild_out.log")"
cp "$dir/slow.yaml" "$dir/study.yaml"
launch 3 1 "$dir/slow_out"
tap_result $? "slow programs: the run ends" "$(tail -n 20 "$dir/slow_out.log")"
for out in wild_out slow_out; do "$FOLDRANK" show "$dir/$out" --format csv --top 99; done >"$dir/wild.csv"

# state CASE STATE [MESSAGE]: how the program was judged.
state() {
    local line
    line=$(grep -E ",\"?$1\"?(,|$)" "$dir/wild.csv" | head -n 1)
    [[ $line == *",$2,"* && $line == *"${3:-}"* ]]
    tap_result $? "$1: $2${3:+, $3}" "${line:-no row}"
}
state good complete
state unended complete
state exit failed 'exit status 3: no such layer'
state signal failed 'ended by signal 11'
state silent failed 'no value: it printed no line'
state empty failed "no value: the line \`foldrank loss=3\` has none"
state nan diverged 'the value is nan at step 1'
state fork complete
state flood complete
state line complete
state closed failed 'no value'
state cwd complete
state hang timeout 'no end after 2.0s; the last report was of step 7'
state deaf timeout 'no end after 2.0s'
state forkhang timeout 'no end after 2.0s'
state stopped timeout 'no end after 2.0s'
tap_empty "wild programs: none is left" "$(survivors)"
large=$(find "$dir/wild_out/trials" -name output.log -size +1200k)
tap_empty "a flood of 1 GB is kept to 1.1 MB" "$large"
grep -rqE '^\[foldrank: [0-9]{9} bytes left out\]' "$dir/wild_out/trials"
tap_result $? "and the log says what is left out"
grep -rq 'processes that it had left behind' "$dir/wild_out/trials"
tap_result $? "the log says that processes were left behind"

# ---- the end of a rank, of the run ----
cat >"$dir/study.yaml" <<YAML
study: sleepy
objective:
  type: command
  run: "$dir/sleepy {x} $dir/begun"
  grace: 1s
  parameters: {x: {float: [0, 1]}}
validation: {folds: 2}
search: {method: random, trials: 8, seed: 2, concurrency: 4}
output: $dir/unused
YAML
cat >"$dir/sleepy" <<'SLEEPY'
#!/bin/bash
export MARK=$COMMAND_TEST
echo x >>"$2"
# Some end soon, all others would outlive the test.
seconds=${SLEEP:-$([ "$(wc -l <"$2")" -gt 4 ] && echo 100 || echo 0.1)}
setsid bash -c "trap '' TERM; sleep $seconds" &
sleep "$seconds"
echo "foldrank value=$1"
SLEEPY
chmod +x "$dir/sleepy"
SLEEP=0 launch 2 1 "$dir/undisturbed"
tap_result $? "undisturbed run" "$(tail -n 20 "$dir/undisturbed.log")"

# begin OUTPUT: in the background, as $launcher, until some programs have begun.
begin() {
    : >"$dir/begun"
    # shellcheck disable=SC2086
    $MPIRUN 2 "$FOLDRANK" run "$dir/study.yaml" --output "$1" >"$1.log" 2>&1 </dev/null &
    launcher=$!
    for ((i = 0; i < 400 && $(wc -l <"$dir/begun") < 5; i++)); do sleep 0.05; done
}

# gone NAME: nothing is left of the programs within a few seconds.
gone() {
    local left=
    for ((i = 0; i < 100; i++)); do
        left=$(survivors)
        [ -z "$left" ] && break
        sleep 0.1
    done
    tap_empty "$1: no program is left" "$left"
}

for signal in KILL USR1 TERM; do
    out="$dir/sleepy_$signal"
    begin "$out"
    case $signal in
    KILL) kill -9 "$(pgrep -P $launcher -x foldrank | tail -n 1)" ;;
    *) kill -$signal $launcher ;;
    esac
    wait $launcher
    gone "SIG$signal"
    SLEEP=0 launch 3 1 "$out"
    tap_result $? "SIG$signal: run again ends" "$(tail -n 20 "$out.log")"
    tap_empty "SIG$signal: every fold once" "$(once_each "$out" 16)"
    tap_empty "SIG$signal: same results as undisturbed" "$(differences "$dir/undisturbed" "$out")"
done

# A guard that is killed takes its program along, and ends the run.
begin "$dir/guard"
kill -9 "$(pgrep -f 'guard 1.000 '"$dir"'/sleepy' | head -n 1)"
wait $launcher
status=$?
[ $status -ne 0 ] && grep -q 'guard of a command was killed' "$dir/guard.log"
tap_result $? "guard killed: the run says so" "exit status $status" "$(tail -n 20 "$dir/guard.log")"

# ---- GPUs ----
sed "s#run: .*#run: \"$dir/gpus\"#; s/folds: 2/folds: 1/; \$a resources: {gpus: 2}" "$dir/study.yaml" \
    >"$dir/gpus.yaml"
cp "$dir/gpus.yaml" "$dir/study.yaml"
cat >"$dir/gpus" <<'GPUS'
#!/bin/sh
sleep 0.3
echo "gpus=$CUDA_VISIBLE_DEVICES $FOLDRANK_GPUS"
echo "foldrank value=1"
GPUS
chmod +x "$dir/gpus"
CUDA_VISIBLE_DEVICES=0,1,5,7 launch 2 1 "$dir/gpus_out"
[ "$(grep -rhE '^gpus=' "$dir/gpus_out/trials" | sort -u | tr '\n' ' ')" = "gpus=0,1 0,1 gpus=5,7 5,7 " ]
tap_result $? "each rank has GPUs of its own" "$(tail -n 20 "$dir/gpus_out.log")" \
    "$(grep -rh gpus= "$dir/gpus_out/trials")"
CUDA_VISIBLE_DEVICES=0,1,5 launch 2 1 "$dir/gpus_few"
status=$?
[ $status -eq 2 ] && grep -q 'make 4, and there are 3' "$dir/gpus_few.log"
tap_result $? "too few GPUs are told" "exit status $status" "$(tail -n 20 "$dir/gpus_few.log")"

# ---- broken commands ----
# broken NAME PATTERN RUN [MORE]: refused with exit 2, file and line, by check and by run.
broken() {
    cat >"$dir/study.yaml" <<YAML
study: broken
objective:
  type: command
  run: $3
  parameters: {rate: {float: [0, 1]}}
${4:+  $4}
search: {method: random, trials: 2}
output: $dir/unused
YAML
    local said status
    said=$("$FOLDRANK" check "$dir/study.yaml" 2>&1)
    status=$?
    [ $status -eq 2 ] && grep -qE -- "$2" <<<"$said" && ! launch 2 1 "$dir/broken" &&
        grep -qE -- "$2" "$dir/broken.log"
    tap_result $? "$1" "exit status $status" "$said" "$(tail -n 5 "$dir/broken.log")"
}
touch "$dir/not_executable"
broken "program not found" 'study.yaml:4: objective.run: there is no program .nosuchprogram. on the PATH' nosuchprogram
broken "no such file" 'study.yaml:4: objective.run: there is no program ' "$dir/nosuchfile"
broken "not executable" 'study.yaml:4: .*cannot be run: no permission' "$dir/not_executable"
broken "a directory" 'study.yaml:4: .*is not a file' "$dir"
broken "unknown place" 'study.yaml:4: .*\{rte\} is no parameter.*did you mean rate' '"true {rte}"'
broken "bad timeout" 'study.yaml:6: objective.timeout: .soon. is not a time' 'true' 'timeout: soon'
broken "shell syntax without a shell" 'study.yaml:4: .*shell: true' '"true | true"'

# What cannot be known before the start ends the run, not one trial after the other.
echo '#!/no/such/interpreter' >"$dir/script" && chmod +x "$dir/script"
sed -i "s#run: .*#run: \"$dir/script\"#" "$dir/study.yaml"
launch 2 1 "$dir/script_out"
status=$?
[ $status -eq 2 ] && grep -q 'cannot start .*script' "$dir/script_out.log"
tap_result $? "a program that cannot be started ends the run" "exit status $status" \
    "$(tail -n 5 "$dir/script_out.log")"
tap_done
