#!/bin/sh
# What ipmi_sim runs as the chassis behind its BMC: DIRECTORY ADDRESS get|set|check NAME...
# One file per property; "starts" has a line for each start.
dir=$1 op=$3
shift 3
property() { cat "$dir/$1" 2>/dev/null || echo "$2"; }
start() { # uses the boot override up
	echo started >>"$dir/starts"
	rm -f "$dir/boot"
}
case $op in
get)
	for name; do
		case $name in
		boot) echo "boot:$(property boot none)" ;;
		*) echo "$name:$(property "$name" 0)" ;;
		esac
	done
	;;
set)
	case $1 in
	power)
		[ "$2" = 1 ] && [ "$(property power 0)" = 0 ] && start
		echo "$2" >"$dir/power"
		;;
	shutdown) echo 0 >"$dir/power" ;;
	reset) start ;;
	identify) # "SECONDS FOREVER", one argument
		if [ "$2" = "0 0" ]; then rm -f "$dir/identify"; else echo 1 >"$dir/identify"; fi
		;;
	*) echo "$2" >"$dir/$1" ;;
	esac
	;;
esac
