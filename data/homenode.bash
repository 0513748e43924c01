# bash completion for homenode(1)
_homenode_guests() {
    local name
    while IFS= read -r name; do
        [[ $name == "${1//[\\\"\']/}"* ]] && printf '%q\n' "$name"
    done < <(homenode --json guests 2> /dev/null | grep -oE '"guest":\{"name":"([^"\]|[\].)*"' |
        sed 's/^"guest":{"name":"//; s/"$//; s/[\]\(.\)/\1/g')
}

_homenode() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} word command=''
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
        host | guests | check | events | show | rebalance | watch | window | top | explain | history | fit | xml | set | replay | simulate | topology | pause | resume | cancel | drain | undrain) [[ $command ]] || command=$word ;;
        esac
    done
    case $command:$before in
    *:--host | *:--trace | simulate:-t | *:--socket | :-s)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    *:--guest)
        mapfile -t COMPREPLY < <(_homenode_guests "$current")
        return
        ;;
    *:--since | events:-s | history:-s | *:--timeout | watch:-t | *:--for | window:-f)
        COMPREPLY=()
        return
        ;;
    *:--kind | history:-k)
        mapfile -t COMPREPLY < <(compgen -W 'samples decisions moves' -- "$current")
        return
        ;;
    *:--format | topology:-f)
        mapfile -t COMPREPLY < <(compgen -W 'json nrt placement hwloc' -- "$current")
        return
        ;;
    *:--class)
        mapfile -t COMPREPLY < <(compgen -W 'shared dedicated realtime' -- "$current")
        return
        ;;
    esac
    case $command in
    '') mapfile -t COMPREPLY < <(compgen -W 'host guests check events show rebalance watch window top explain history fit xml set replay simulate topology pause resume cancel drain undrain --socket --json --color --help --version' -- "$current") ;;
    rebalance) word='--dry-run --wait --no-wait --json --help' ;;&
    topology) word='--format --host --json --help' ;;&
    watch) word='--interval --timeout --until-home --help' ;;&
    window) word='--for --close --json --help' ;;&
    check) word="--list --guest --json --help $(homenode check --list 2> /dev/null | sed -n 's/^| `\([^`]*\)`.*/\1/p')" ;;&
    events) word='--since --json --help' ;;&
    show | explain) word='--json --help' ;;&
    pause | resume | cancel) word='--wait --json --help' ;;&
    drain) word='--dry-run --wait --json --help' ;;&
    undrain) word='--json --help' ;;&
    history) word='--since --kind --json --help' ;;&
    fit) word='--vcpus --memory --cells --class --hugepages --host --json --help' ;;&
    xml) word='--domain --existing --anywhere --verbose --host --json --help' ;;&
    set) word='mode= class= policy= nodes= near= apart= window= pins= cpuset= persist= --json --help' ;;&
    replay) word='--policy --now --json --help' ;;&
    simulate) word='--generate --trace --seed --load --host --nodes --cpus --memory --policy --all-policies --ticks --tick --stray --rate --json --help' ;;&
    show | rebalance | watch | window | check | explain | history | set | pause | resume | cancel)
        mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current"; _homenode_guests "$current")
        ;;
    drain | undrain)
        mapfile -t COMPREPLY < <(compgen -W "$word $(homenode host 2> /dev/null | awk '$1 ~ /^[0-9]+$/ {print $1}')" -- "$current")
        ;;
    check | events | topology) mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current") ;;
    fit | xml | replay) mapfile -t COMPREPLY < <(compgen -f -W "$word" -- "$current") ;;
    top) mapfile -t COMPREPLY < <(compgen -W '--interval --once --frames --help' -- "$current") ;;
    simulate) mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W '--json --help' -- "$current") ;;
    esac
}
complete -F _homenode homenode
