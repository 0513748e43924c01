#compdef homenode
# zsh completion for homenode(1), written by tools/make-completions

_homenode_guests() {
    local -a found
    found=(${(f)"$(homenode --json guests 2>/dev/null | grep -oE '"guest":\{"name":"([^"\]|[\].)*"' | sed 's/^"guest":{"name":"//; s/"$//; s/[\]\(.\)/\1/g')"})
    compadd -a found
}

_homenode_nodes() {
    local -a found
    found=(${(f)"$(homenode host 2>/dev/null | awk '$1 ~ /^[0-9]+$/ {print $1}')"})
    compadd -a found
}

_homenode_checks() {
    local -a found
    found=(${(f)"$(homenode check --list 2>/dev/null | sed -n 's/^| `\([^`]*\)`.*/\1/p')"})
    compadd -a found
    _homenode_guests
}

_homenode() {
    local state line
    local -a commands
    typeset -A opt_args
    commands=(
        'host:the nodes of this host: CPUs, memory, distances'
        'guests:every guest in a line: where it lives, how local it is, what is being done'
        'show:one guest: its cells over the nodes, its threads, why, and what is being done'
        'rebalance:bring a guest home now, whatever its mode, and follow it'
        'watch:the guests, or one of them, redrawn as they change'
        'top:nodes and guests on a full screen, as they change; ? tells the keys'
        'explain:why a guest belongs where it does, and why not on the other nodes'
        'history:one guest'\''s past: its locality over time, what was decided, what was moved'
        'fit:where a guest would go, why, and how many more of it'
        'xml:a domain'\''s XML with its placement written into it'
        'set:a guest'\''s settings and where they come from, or new ones for its domain'
        'window:let a realtime guest be moved for a while: what is not done by then is stopped'
        'replay:decide again what a recorded snapshot was decided from'
        'simulate:play guests coming, going and straying to a modelled host under a policy'
        'check:is this host, or a guest on it, set up well: what was found, why, what mends it'
        'events:what happens to guests, as it happens'
        'topology:this host and what it has left, for other schedulers'
        'pause:hold what is being moved for a guest, within a tenth of a second'
        'resume:go on with what was paused'
        'cancel:stop what is being moved for a guest; what has moved stays there'
        'drain:bring all guests'\'' memory and threads away from a node, and keep it empty'
        'undrain:let guests live on a node again'
    )
    _arguments -C \
        '(-s --socket)'{-s,--socket}'[homenoded'\''s socket (default $HOMENODE_SOCKET or /run/homenode/homenode.sock)]:path:_files' \
        '(-j --json)'{-j,--json}'[print JSON]' \
        '--color[auto (on a terminal), always or never]:when:(auto always never)' \
        '(-h --help)'{-h,--help}'[this text]' \
        '(-V --version)'{-V,--version}'[the version]' \
        '1:command:->command' '*::argument:->argument'
    case $state in
    command) _describe command commands ;;
    argument)
        case $words[1] in
        host)
            _arguments \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]'
            ;;
        guests)
            _arguments \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]'
            ;;
        show)
            _arguments \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:guest:_homenode_guests'
            ;;
        rebalance)
            _arguments \
                '(-n --dry-run)'{-n,--dry-run}'[print the plan with its reasons and do nothing]' \
                '(-w --wait)'{-w,--wait}'[wait for its end that long at most, with --json as well]:time: ' \
                '--no-wait[return as soon as the operation has begun]' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:guest:_homenode_guests'
            ;;
        watch)
            _arguments \
                '(-i --interval)'{-i,--interval}'[between two frames (default 1s)]:time: ' \
                '(-t --timeout)'{-t,--timeout}'[end after that long]:time: ' \
                '(-u --until-home)'{-u,--until-home}'[end as soon as the guest is at home]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:guest:_homenode_guests'
            ;;
        top)
            _arguments \
                '(-i --interval)'{-i,--interval}'[between two polls (default 2s)]:time: ' \
                '--once[print one picture as text and end]' \
                '--frames[end after N polls]:n: ' \
                '(-h --help)'{-h,--help}'[this text]'
            ;;
        explain)
            _arguments \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:guest:_homenode_guests'
            ;;
        history)
            _arguments \
                '(-s --since)'{-s,--since}'[how far back, such as 10m, 6h or 30d (default 1h)]:time: ' \
                '(-k --kind)'{-k,--kind}'[samples, decisions or moves, with all that is known of each]:kind:(samples decisions moves)' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:guest:_homenode_guests'
            ;;
        fit)
            _arguments \
                '(-v --vcpus)'{-v,--vcpus}'[vCPUs of the guest]:n: ' \
                '(-m --memory)'{-m,--memory}'[its memory, e.g. 16G]:size: ' \
                '(-c --cells)'{-c,--cells}'[NUMA cells it is divided into (default 1)]:n: ' \
                '--class[shared (default), dedicated or realtime]:class:(shared dedicated realtime)' \
                '--hugepages[its memory in pages of that size]:size: ' \
                '--host[not this host\: hwloc'\''s XML, a folder with sys/ and proc/, or JSON]:path:_files' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:file:_files'
            ;;
        xml)
            _arguments \
                '(-d --domain)'{-d,--domain}'[the domain of that name, from homenoded, instead of a file]:name: ' \
                '(-e --existing)'{-e,--existing}'[only what names nodes or CPUs already, as for another host]' \
                '(-a --anywhere)'{-a,--anywhere}'[the nodes it names already are no limit]' \
                '(-v --verbose)'{-v,--verbose}'[say on stderr where it goes, even if that is no terminal]' \
                '--host[not this host\: hwloc'\''s XML, a folder with sys/ and proc/, or JSON]:path:_files' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:file:_files'
            ;;
        set)
            _arguments \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:guest:_homenode_guests' \
                '*:setting:compadd -S "" -- mode= class= policy= nodes= near= apart= window= pins= cpuset= persist='
            ;;
        window)
            _arguments \
                '(-f --for)'{-f,--for}'[how long, 60s unless told, a day at most]:time: ' \
                '--close[close it now]' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:guest:_homenode_guests'
            ;;
        replay)
            _arguments \
                '(-p --policy)'{-p,--policy}'[as if all guests were under that policy]:name: ' \
                '(-n --now)'{-n,--now}'[as if an operator asked\: one look is enough]' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:file:_files' \
                '2:guest:_homenode_guests'
            ;;
        simulate)
            _arguments \
                '(-g --generate)'{-g,--generate}'[draw the guests from a seed, shaped like a public cloud'\''s (default)]' \
                '(-t --trace)'{-t,--trace}'[take them from a packing trace in Azure'\''s SQLite schema]:file:_files' \
                '(-s --seed)'{-s,--seed}'[of all that is drawn (default 1)]:n: ' \
                '--load[asked for in the mean, over what the host has (default 0.9)]:x: ' \
                '--host[hwloc'\''s XML, a folder with sys/ and proc/, or JSON]:path:_files' \
                '(-n --nodes)'{-n,--nodes}'[or so many nodes (default 4)]:n: ' \
                '--cpus[with that many CPUs each (default 32)]:n: ' \
                '--memory[and that much memory each (default 128G)]:size: ' \
                '(-p --policy)'{-p,--policy}'[that all guests are under]:name: ' \
                '(-a --all-policies)'{-a,--all-policies}'[one after the other]' \
                '--ticks[how long (default 8640, a day)]:n: ' \
                '--tick[what a tick stands for (default 10s)]:time: ' \
                '--stray[between two strays of a guest, in the mean (default 30m; 0\: never)]:time: ' \
                '--rate[moved a second, by one guest at a time (default 2G)]:size: ' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]'
            ;;
        check)
            _arguments \
                '--list[the checks there are, what each looks at and why it matters]' \
                '--guest[a guest, should it be called like a check]:guest:_homenode_guests' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '*:guest or check:_homenode_checks'
            ;;
        events)
            _arguments \
                '(-s --since)'{-s,--since}'[first what came after that event, 0 for all that are kept (1024)]:id: ' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]'
            ;;
        topology)
            _arguments \
                '(-f --format)'{-f,--format}'[json (the default)]:format:(json nrt placement hwloc)' \
                '--host[a host from a file instead of this one, as for homenode fit]:path:_files' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]'
            ;;
        pause)
            _arguments \
                '(-w --wait)'{-w,--wait}'[follow it to its end]' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:guest:_homenode_guests'
            ;;
        resume)
            _arguments \
                '(-w --wait)'{-w,--wait}'[follow it to its end]' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:guest:_homenode_guests'
            ;;
        cancel)
            _arguments \
                '(-w --wait)'{-w,--wait}'[follow it to its end]' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:guest:_homenode_guests'
            ;;
        drain)
            _arguments \
                '(-n --dry-run)'{-n,--dry-run}'[print what would leave, where to, at which price, and what would stay]' \
                '(-w --wait)'{-w,--wait}'[wait until it is empty]' \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:node:_homenode_nodes'
            ;;
        undrain)
            _arguments \
                '(-j --json)'{-j,--json}'[print JSON]' \
                '(-h --help)'{-h,--help}'[this text]' \
                '1:node:_homenode_nodes'
            ;;
        esac
        ;;
    esac
}

_homenode "$@"
