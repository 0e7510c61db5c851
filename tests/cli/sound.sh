#!/usr/bin/env bash
# sound.sh - a study on a folder of sounds, and one on a folder of images: run, predict new files,
# and the name of a file that is cut off.
# Needs FOLDRANK (the program) and MPIRUN (ending in -n) in the environment.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
if ! command -v python3 >/dev/null; then
    tap_skip "sounds and images" "python3 is not installed"
    tap_done
fi

# Low and high tones of noise-free speakers; dark and bright pictures.
python3 - "$dir" <<'PYTHON'
import math, os, struct, sys, wave, zlib

def sound(path, hertz, n=2400):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(2 * math.pi * hertz * t / 8000)))
                                  for t in range(n)))

def image(path, shade):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    rows = b"".join(b"\0" + bytes(min(255, shade + 3 * x + y) for x in range(6)) for y in range(4))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 6, 4, 8, 0, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))

root = sys.argv[1]
for i in range(12):
    sound(f"{root}/tones/low_{'abcd'[i % 4]}_{i}.wav", 200 + 15 * i, 2400 + 80 * i)
    sound(f"{root}/tones/high_{'abcd'[i % 4]}_{i}.wav", 1500 + 40 * i, 2000 + 80 * i)
    image(f"{root}/pictures/dark/{i}.png", 10 + 3 * i)
    image(f"{root}/pictures/bright/{i}.png", 180 + 3 * i)
sound(f"{root}/new_tones/low_e_0.wav", 310)
sound(f"{root}/new_tones/high_e_0.wav", 1800)
image(f"{root}/new_pictures/dark/0.png", 25)
image(f"{root}/new_pictures/bright/0.png", 200)
PYTHON
tap_result $? "sounds and images are made"

study() { # NAME DATA
    cat >"$dir/$1.yaml" <<YAML
study: $1
data: {path: $dir/$1, $2, test: {fraction: 0.25}}
validation: {scheme: stratified_kfold, folds: 3}
metric: accuracy
models: {softmax: {}}
train: {learning_rate: 0.1, batch_size: 4, epochs: 15}
search: {method: random, trials: 1}
output: $dir/$1.out
YAML
}

# finished NAME: two ranks run the study; predicting its new files finds the class of each.
finished() {
    local text said
    # shellcheck disable=SC2086
    text=$(OMP_NUM_THREADS=1 timeout -k 5 100 $MPIRUN 2 "$FOLDRANK" run "$dir/$1.yaml" 2>&1 </dev/null)
    tap_result $? "$1: the study runs" "$text"
    text=$("$FOLDRANK" predict "$dir/$1.out" "$dir/new_$1" -o "$dir/$1.csv" 2>&1)
    tap_result $? "$1: predict new files" "$text"
    said=$(tail -n +2 "$dir/$1.csv" | tr ',' '\n' | grep -xE 'low|high|dark|bright' | tr '\n' ' ')
    [ "$said" = "$2 " ]
    tap_result $? "$1: the classes are right" "wanted: $2" "$(cat "$dir/$1.csv")"
}

# cut_off NAME FILE: without its last bytes, the file is an error that names it.
cut_off() {
    local text status
    head -c 60 "$dir/$1/$2" >"$dir/part" && mv "$dir/part" "$dir/$1/$2"
    text=$("$FOLDRANK" run "$dir/$1.yaml" --output "$dir/$1.cut" 2>&1 </dev/null)
    status=$?
    [ $status -eq 2 ] && grep -q "$1/$2: is cut off" <<<"$text"
    tap_result $? "$1: a file that is cut off is named" "exit status $status" "$text"
}

study tones 'pattern: "{label}_{speaker}_{index}.wav", group: speaker, sound: {rate: 8000, frames: 4}'
sed -i 's/stratified_kfold, folds: 3/group_kfold, folds: 2/' "$dir/tones.yaml"
finished tones 'high low'
cut_off tones low_a_4.wav
study pictures 'pattern: "{label}/*", image: {size: [2, 3]}'
finished pictures 'bright dark'
cut_off pictures dark/4.png
tap_done
