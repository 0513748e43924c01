# bash completion for homenode(1)
_homenode() {
    local current=${COMP_WORDS[COMP_CWORD]} word command=''
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
        host | guests | show | rebalance | watch) command=$word ;;
        esac
    done
    case $command in
    '') mapfile -t COMPREPLY < <(compgen -W 'host guests show rebalance watch --socket --json --color --help --version' -- "$current") ;;
    rebalance) word='--dry-run --no-wait --json --help' ;;&
    watch) word='--interval --timeout --until-home --help' ;;&
    show) word='--json --help' ;;&
    show | rebalance | watch)
        mapfile -t COMPREPLY < <(compgen -W "$word $(homenode guests 2> /dev/null | awk 'NR > 1 {print $1}')" -- "$current")
        ;;
    *) mapfile -t COMPREPLY < <(compgen -W '--json --help' -- "$current") ;;
    esac
}
complete -F _homenode homenode
