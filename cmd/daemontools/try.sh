#!/bin/sh
# SPDX-License-Identifier: MIT
#
# try.sh BIN DIR: make an example tree below DIR, run BIN's svscan on it, show
# svstat each second until ctrl-C (or for TRY_SECONDS), and stop everything.
set -eu

bin=$(cd "$1" && pwd)
mkdir -p "$2"
cd "$2"
PATH=$bin:$PATH
seconds=${TRY_SECONDS:-0}

# script FILE: an executable file with the lines of standard input.
script() {
	mkdir -p "${1%/*}"
	{
		echo '#!/bin/sh'
		cat
	} >"$1"
	chmod 755 "$1"
}

# Made outside of the scan directory and renamed into it, nothing is ever seen
# half made.
make_tree() {
	rm -rf service new
	mkdir service
	script new/clock/run <<-'END'
		exec 2>&1
		echo "clock started as $$"
		while :; do date; sleep 2; done
	END
	script new/clock/log/run <<-'END'
		while read -r line; do echo "$line" >>current; done
	END
	script new/crash/run <<-'END'
		sleep 3
		exit 1
	END
	script new/spare/run <<-'END'
		exec sleep 1000000
	END
	touch new/spare/down
	mv new/* service
	rmdir new
}

show() {
	if [ -t 1 ]; then
		printf '\033[H\033[J'
	fi
	echo "svscan runs $2/service as process $1. Ctrl-C stops everything."
	echo
	echo '$ svstat service/* service/*/log'
	svstat service/* service/*/log
	echo
	echo '$ tail -n 3 service/clock/log/current'
	tail -n 3 service/clock/log/current 2>/dev/null || :
	echo
	echo 'In another terminal, in this directory, try:'
	echo "  PATH=$3:\$PATH"
	echo "  svc -d $2/service/clock     take it down   (svstat: want down)"
	echo "  svc -u $2/service/spare     bring it up"
	echo "  svc -t $2/service/clock     TERM: it is started again"
	echo
}

finish() {
	trap - EXIT INT TERM HUP
	echo
	echo 'Stopping: the services get TERM, their logs read what is left, svscan ends.'
	kill -TERM "$svscan" 2>/dev/null || :
	wait "$svscan" || :
	svstat service/* service/*/log
	exit 0
}

make_tree
svscan service &
svscan=$!
trap finish EXIT INT TERM HUP

passed=0
while kill -0 "$svscan" 2>/dev/null; do
	sleep 1 &
	wait $! || :
	show "$svscan" "$2" "${1#"$OLDPWD"/}"
	passed=$((passed + 1))
	if [ "$passed" = "$seconds" ]; then
		break
	fi
done
