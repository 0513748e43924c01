# bash completion for homenode(1)
_homenode() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} word command=''
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
        host | guests | show | rebalance | watch | explain | fit | replay | simulate) [[ $command ]] || command=$word ;;
        esac
    done
    case $before in
    --host | --trace | -t | --socket | -s)
        [[ $before == -s && $command == simulate ]] || mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --class)
        mapfile -t COMPREPLY < <(compgen -W 'shared dedicated realtime' -- "$current")
        return
        ;;
    esac
    case $command in
    '') mapfile -t COMPREPLY < <(compgen -W 'host guests show rebalance watch explain fit replay simulate --socket --json --color --help --version' -- "$current") ;;
    rebalance) word='--dry-run --no-wait --json --help' ;;&
    watch) word='--interval --timeout --until-home --help' ;;&
    show | explain) word='--json --help' ;;&
    fit) word='--vcpus --memory --cells --class --hugepages --host --json --help' ;;&
    replay) word='--policy --now --json --help' ;;&
    simulate) word='--generate --trace --seed --load --host --nodes --cpus --memory --policy --all-policies --ticks --tick --stray --rate --json --help' ;;&
    show | rebalance | watch | explain)
        mapfile -t COMPREPLY < <(compgen -W "$word $(homenode guests 2> /dev/null | awk 'NR > 1 {print $1}')" -- "$current")
        ;;
    fit | replay) mapfile -t COMPREPLY < <(compgen -f -W "$word" -- "$current") ;;
    simulate) mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W '--json --help' -- "$current") ;;
    esac
}
complete -F _homenode homenode
