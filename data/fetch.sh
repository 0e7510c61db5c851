#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Fetch a larger public data set and check its SHA-256.
#
#   data/fetch.sh list
#   data/fetch.sh NAME [DIRECTORY]    (default: the folder "fetched" beside this script)
#
# FOLDRANK_MIRROR=URL takes the files from URL/FILE instead, also from file:///a/folder.
# Prints the path of every file that is ready, one a line. Exit: 0 ready, 1 failed, 2 usage.
set -eu

# A commit, not a branch: what it holds cannot change.
PMLB=https://github.com/EpistasisLab/pmlb/raw/9cc9017958f2d8284e62d8bc54b77cb6fa1e9592/datasets
CLINC=https://github.com/clinc/oos-eval/raw/828f8093932c8fe6ca7936c3d2e52903b1c523de
FSDD=https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz
SMS=https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip

die() {
    printf 'fetch.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

list() {
    cat <<'END'
adult          48,842 x 15, target `target`, 2 classes, categories integer-coded; PMLB (UCI)
dna            3,186 x 181, target `target`, 3 classes, splice junctions as bits, also in StatLog's parts,
               dna_train.tsv and dna_test.tsv; PMLB (StatLog)
clinc150       22,500 requests of 150 intents, JSON lines, official parts in `part`; CC BY 3.0
fashion_mnist  60,000 + 10,000 images of 28 x 28, 10 classes, IDX; Debian package, read in place
fsdd           3,000 spoken digits of 6 speakers, WAV of 8 kHz; CC BY-SA 4.0
golub          38 x 3,052, target `class`, 2 leukaemias by gene expression; R package multtest, LGPL
movielens      100,004 ratings of 9,066 films by 671 users; R package dslabs, GroupLens' terms: for
               research, not for commerce, not to be passed on without permission
sms_spam       5,574 messages, spam or ham, JSON lines; UCI, CC BY 4.0
spambase       4,601 x 58, target `target`, 2 classes; PMLB (UCI)
splice         3,188 x 61, target `target`, 3 classes, splice junctions as letters; PMLB (UCI)
END
}

sha256() { # sha256 < FILE
    if command -v sha256sum >/dev/null; then
        sha256sum
    else
        shasum -a 256
    fi | cut -d ' ' -f 1
}

download() { # download URL FILE
    if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --retry 3 --output "$2" "$1"
    else
        wget --quiet --tries=3 --output-document="$2" "$1"
    fi
}

fetch() { # fetch URL SHA256: the file keeps its name; it appears only once it is whole and right
    file=$dir/${1##*/}
    url=${FOLDRANK_MIRROR:+${FOLDRANK_MIRROR%/}/${1##*/}}
    if [ ! -f "$file" ] || [ "$(sha256 <"$file")" != "$2" ]; then
        mkdir -p "$dir"
        part=$file.part
        trap 'rm -f "$part"' EXIT
        trap 'exit 1' HUP INT TERM
        download "${url:-$1}" "$part" || die "cannot download ${url:-$1}"
        got=$(sha256 <"$part")
        [ "$got" = "$2" ] || die "${url:-$1}: wrong SHA-256, deleted
  expected $2
  got      $got"
        mv "$part" "$file"
    fi
    printf '%s\n' "$file"
}

# convert NAME: stdin becomes the file NAME, which appears only once it is whole
convert() {
    cat >"$dir/$1.part" && mv "$dir/$1.part" "$dir/$1"
    printf '%s\n' "$dir/$1"
}

# One list of [text, intent] for each part, a string a line; what is out of scope is left out.
clinc150() {
    raw=$(fetch "$CLINC/data/data_full.json" 36923c3705a59e08fe9c3883d8bc2dd966ef93e22cb78ac41171782a698d56e0)
    awk '/^    "[a-z_]*": \[/ { part = $1; gsub(/[":]/, "", part); next }
        /^            "/ {
            sub(/^ */, ""); sub(/, *$/, "")
            if (!odd) text = $0
            else if (part !~ /^oos/) print "{\"part\": \"" part "\", \"intent\": " $0 ", \"text\": " text "}"
            odd = !odd
        }' "$raw" | convert clinc150.jsonl
}

sms_spam() {
    command -v unzip >/dev/null || die 'sms_spam comes as a ZIP archive, and this system has no unzip'
    raw=$(fetch "$SMS" 1587ea43e58e82b14ff1f5425c88e17f8496bfcdb67a583dbff9eefaf9963ce3)
    unzip -p "$raw" SMSSpamCollection | LC_ALL=C sed 's/\\/\\\\/g; s/"/\\"/g
        s/^\([a-z]*\)'"$(printf '\t')"'\(.*\)$/{"kind": "\1", "text": "\2"}/' | convert sms_spam.jsonl
}

dna() { # the first 2,000 rows are StatLog's training part
    fetch "$PMLB/dna/dna.tsv.gz" 017e1ff56435818b639cc788ee35df6cee7ac2aea19cc62dcb10a3a0c60b6340
    gzip -dc "$file" | sed '2002,$d' >"$dir/dna_train.tsv"
    gzip -dc "$file" | sed '2,2001d' >"$dir/dna_test.tsv"
    printf '%s\n' "$dir/dna_train.tsv" "$dir/dna_test.tsv"
}

fsdd() { # checked by the recordings: archives of one commit are packed anew
    folder=$dir/fsdd
    [ -d "$folder/recordings" ] && [ "$(recordings "$folder")" = "$VOICES" ] && printf '%s\n' "$folder" && return
    mkdir -p "$dir"
    part=$dir/fsdd.part
    trap 'rm -rf "$part"' EXIT
    trap 'exit 1' HUP INT TERM
    rm -rf "$part" && mkdir "$part"
    url=${FOLDRANK_MIRROR:+${FOLDRANK_MIRROR%/}/${FSDD##*/}}
    download "${url:-$FSDD}" "$part/archive" || die "cannot download ${url:-$FSDD}"
    tar -xzf "$part/archive" -C "$part" || die "${url:-$FSDD}: no archive, deleted"
    set -- "$part"/*/recordings
    [ -d "$1" ] || die "${url:-$FSDD}: has no recordings, deleted"
    from=${1%/recordings}
    got=$(recordings "$from")
    [ "$got" = "$VOICES" ] || die "${url:-$FSDD}: wrong SHA-256 of the recordings, deleted
  expected $VOICES
  got      $got"
    rm -rf "$folder" && mv "$from" "$folder"
    printf '%s\n' "$folder"
}

VOICES=ddb17656a0bca4c5ddace082be188ca630516dc2ef1110afe3c4e9cc71173de4
recordings() { # recordings FOLDER: SHA-256 of all of them, one behind the other by name
    (LC_ALL=C && cat "$1"/recordings/*.wav) | sha256
}

# from_r PACKAGE DEBIAN FILE SHA256 CODE: a table of an R package, as CSV
from_r() {
    if [ ! -f "$dir/$3" ] || [ "$(sha256 <"$dir/$3")" != "$4" ]; then
        command -v Rscript >/dev/null || die "$3 comes with R's package $1: install R, or run: sudo apt-get install $2"
        Rscript -e "quit(status = !requireNamespace('$1', quietly = TRUE))" >/dev/null 2>&1 ||
            die "R has no package $1; run: sudo apt-get install $2, or install it in R"
        mkdir -p "$dir"
        part=$dir/$3.part
        trap 'rm -f "$part"' EXIT
        trap 'exit 1' HUP INT TERM
        Rscript -e "$5" >"$part" || die "R cannot write $3"
        got=$(sha256 <"$part")
        [ "$got" = "$4" ] || die "$3: another version of R's package $1 than this was made for, deleted
  expected $4
  got      $got"
        mv "$part" "$dir/$3"
    fi
    printf '%s\n' "$dir/$3"
}

fashion_mnist() {
    folder=/usr/share/datasets/fashion-mnist
    if [ ! -d "$folder" ]; then
        command -v apt-get >/dev/null || die 'fashion_mnist comes as a Debian package, and this system has no apt-get'
        [ "$(id -u)" -eq 0 ] || die 'not installed; run: sudo apt-get install dataset-fashion-mnist'
        apt-get install --yes --quiet --no-install-recommends dataset-fashion-mnist >&2
    fi
    # Checked uncompressed: packages compress the same data anew.
    while read -r want name; do
        got=$(gzip -dc "$folder/$name" | sha256)
        [ "$got" = "$want" ] || die "$folder/$name: wrong SHA-256 of the uncompressed data
  expected $want
  got      $got"
        printf '%s\n' "$folder/$name"
    done <<'END'
c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888 train-images-idx3-ubyte.gz
bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9 train-labels-idx1-ubyte.gz
5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b t10k-images-idx3-ubyte.gz
0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34 t10k-labels-idx1-ubyte.gz
END
}

case $# in
1) dir=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/fetched ;;
2) dir=$2 ;;
*) die 'usage: fetch.sh list | NAME [DIRECTORY]' 2 ;;
esac

case $1 in
list) list ;;
adult) fetch "$PMLB/adult/adult.tsv.gz" fb8bc76eafa39558b6044907f23416faf99099cefb8afd06a2cf5afbdae1b506 ;;
clinc150) clinc150 ;;
fashion_mnist) fashion_mnist ;;
fsdd) fsdd ;;
golub)
    # shellcheck disable=SC2016 # $ is R's here
    from_r multtest r-bioc-multtest golub.csv 087f3456a93f71d16f68e7e5df60f2ee7683175a5046bba9548b3a85e0126f53 \
        'e <- new.env(); data(golub, package = "multtest", envir = e)
         write.csv(data.frame(class = e$golub.cl, t(e$golub)), row.names = FALSE)'
    ;;
movielens)
    from_r dslabs r-cran-dslabs movielens_small.csv beed7527ae257be11fd48e3c6fac7f0cd025799041674e2e869ea9cff97df65e \
        'write.csv(dslabs::movielens, row.names = FALSE)'
    ;;
sms_spam) sms_spam ;;
dna) dna ;;
spambase) fetch "$PMLB/spambase/spambase.tsv.gz" 735e8d43f7ee78ac54ca17404510e95f4c8b364a721e4d9532a1b3221ed70961 ;;
splice) fetch "$PMLB/splice/splice.tsv.gz" 30f7c126059de9f5962c41bbfbdee2926ea9432e4d620930ce6db79a43885510 ;;
*) die "no data set '$1'; fetch.sh list names them" 2 ;;
esac
