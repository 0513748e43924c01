# fish completion for homenode(1), written by tools/make-completions

function __homenode_guests
    homenode --json guests 2>/dev/null | grep -oE '"guest":\{"name":"([^"\]|[\].)*"' | sed 's/^"guest":{"name":"//; s/"$//; s/[\]\(.\)/\1/g'
end

function __homenode_nodes
    homenode host 2>/dev/null | awk '$1 ~ /^[0-9]+$/ {print $1}'
end

function __homenode_checks
    homenode check --list 2>/dev/null | sed -n 's/^| `\([^`]*\)`.*/\1/p'
end

complete -c homenode -f
complete -c homenode -n __fish_use_subcommand -s s -l socket -r -F -d 'homenoded\'s socket (default $HOMENODE_SOCKET or /run/homenode/homenode.sock)'
complete -c homenode -n __fish_use_subcommand -s j -l json -d 'print JSON'
complete -c homenode -n __fish_use_subcommand -l color -x -a 'auto always never' -d 'auto (on a terminal), always or never'
complete -c homenode -n __fish_use_subcommand -s h -l help -d 'this text'
complete -c homenode -n __fish_use_subcommand -s V -l version -d 'the version'
complete -c homenode -n __fish_use_subcommand -a host -d 'the nodes of this host: CPUs, memory, distances'
complete -c homenode -n __fish_use_subcommand -a guests -d 'every guest in a line: where it lives, how local it is, what is being done'
complete -c homenode -n __fish_use_subcommand -a show -d 'one guest: its cells over the nodes, its threads, why, and what is being done'
complete -c homenode -n __fish_use_subcommand -a rebalance -d 'bring a guest home now, whatever its mode, and follow it'
complete -c homenode -n __fish_use_subcommand -a watch -d 'the guests, or one of them, redrawn as they change'
complete -c homenode -n __fish_use_subcommand -a top -d 'nodes and guests on a full screen, as they change; ? tells the keys'
complete -c homenode -n __fish_use_subcommand -a explain -d 'why a guest belongs where it does, and why not on the other nodes'
complete -c homenode -n __fish_use_subcommand -a history -d 'one guest\'s past: its locality over time, what was decided, what was moved'
complete -c homenode -n __fish_use_subcommand -a fit -d 'where a guest would go, why, and how many more of it'
complete -c homenode -n __fish_use_subcommand -a xml -d 'a domain\'s XML with its placement written into it'
complete -c homenode -n __fish_use_subcommand -a set -d 'a guest\'s settings and where they come from, or new ones for its domain'
complete -c homenode -n __fish_use_subcommand -a window -d 'let a realtime guest be moved for a while: what is not done by then is stopped'
complete -c homenode -n __fish_use_subcommand -a replay -d 'decide again what a recorded snapshot was decided from'
complete -c homenode -n __fish_use_subcommand -a simulate -d 'play guests coming, going and straying to a modelled host under a policy'
complete -c homenode -n __fish_use_subcommand -a check -d 'is this host, or a guest on it, set up well: what was found, why, what mends it'
complete -c homenode -n __fish_use_subcommand -a events -d 'what happens to guests, as it happens'
complete -c homenode -n __fish_use_subcommand -a topology -d 'this host and what it has left, for other schedulers'
complete -c homenode -n __fish_use_subcommand -a pause -d 'hold what is being moved for a guest, within a tenth of a second'
complete -c homenode -n __fish_use_subcommand -a resume -d 'go on with what was paused'
complete -c homenode -n __fish_use_subcommand -a cancel -d 'stop what is being moved for a guest; what has moved stays there'
complete -c homenode -n __fish_use_subcommand -a drain -d 'bring all guests\' memory and threads away from a node, and keep it empty'
complete -c homenode -n __fish_use_subcommand -a undrain -d 'let guests live on a node again'

complete -c homenode -n '__fish_seen_subcommand_from host' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from host' -s h -l help -d 'this text'

complete -c homenode -n '__fish_seen_subcommand_from guests' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from guests' -s h -l help -d 'this text'

complete -c homenode -n '__fish_seen_subcommand_from show' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from show' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from show' -a '(__homenode_guests)'

complete -c homenode -n '__fish_seen_subcommand_from rebalance' -s n -l dry-run -d 'print the plan with its reasons and do nothing'
complete -c homenode -n '__fish_seen_subcommand_from rebalance' -s w -l wait -x -d 'wait for its end that long at most, with --json as well'
complete -c homenode -n '__fish_seen_subcommand_from rebalance' -l no-wait -d 'return as soon as the operation has begun'
complete -c homenode -n '__fish_seen_subcommand_from rebalance' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from rebalance' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from rebalance' -a '(__homenode_guests)'

complete -c homenode -n '__fish_seen_subcommand_from watch' -s i -l interval -x -d 'between two frames (default 1s)'
complete -c homenode -n '__fish_seen_subcommand_from watch' -s t -l timeout -x -d 'end after that long'
complete -c homenode -n '__fish_seen_subcommand_from watch' -s u -l until-home -d 'end as soon as the guest is at home'
complete -c homenode -n '__fish_seen_subcommand_from watch' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from watch' -a '(__homenode_guests)'

complete -c homenode -n '__fish_seen_subcommand_from top' -s i -l interval -x -d 'between two polls (default 2s)'
complete -c homenode -n '__fish_seen_subcommand_from top' -l once -d 'print one picture as text and end'
complete -c homenode -n '__fish_seen_subcommand_from top' -l frames -x -d 'end after N polls'
complete -c homenode -n '__fish_seen_subcommand_from top' -s h -l help -d 'this text'

complete -c homenode -n '__fish_seen_subcommand_from explain' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from explain' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from explain' -a '(__homenode_guests)'

complete -c homenode -n '__fish_seen_subcommand_from history' -s s -l since -x -d 'how far back, such as 10m, 6h or 30d (default 1h)'
complete -c homenode -n '__fish_seen_subcommand_from history' -s k -l kind -x -a 'samples decisions moves' -d 'samples, decisions or moves, with all that is known of each'
complete -c homenode -n '__fish_seen_subcommand_from history' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from history' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from history' -a '(__homenode_guests)'

complete -c homenode -n '__fish_seen_subcommand_from fit' -s v -l vcpus -x -d 'vCPUs of the guest'
complete -c homenode -n '__fish_seen_subcommand_from fit' -s m -l memory -x -d 'its memory, e.g. 16G'
complete -c homenode -n '__fish_seen_subcommand_from fit' -s c -l cells -x -d 'NUMA cells it is divided into (default 1)'
complete -c homenode -n '__fish_seen_subcommand_from fit' -l class -x -a 'shared dedicated realtime' -d 'shared (default), dedicated or realtime'
complete -c homenode -n '__fish_seen_subcommand_from fit' -l hugepages -x -d 'its memory in pages of that size'
complete -c homenode -n '__fish_seen_subcommand_from fit' -l host -r -F -d 'not this host: hwloc\'s XML, a folder with sys/ and proc/, or JSON'
complete -c homenode -n '__fish_seen_subcommand_from fit' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from fit' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from fit' -F

complete -c homenode -n '__fish_seen_subcommand_from xml' -s d -l domain -x -d 'the domain of that name, from homenoded, instead of a file'
complete -c homenode -n '__fish_seen_subcommand_from xml' -s e -l existing -d 'only what names nodes or CPUs already, as for another host'
complete -c homenode -n '__fish_seen_subcommand_from xml' -s a -l anywhere -d 'the nodes it names already are no limit'
complete -c homenode -n '__fish_seen_subcommand_from xml' -s v -l verbose -d 'say on stderr where it goes, even if that is no terminal'
complete -c homenode -n '__fish_seen_subcommand_from xml' -l host -r -F -d 'not this host: hwloc\'s XML, a folder with sys/ and proc/, or JSON'
complete -c homenode -n '__fish_seen_subcommand_from xml' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from xml' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from xml' -F

complete -c homenode -n '__fish_seen_subcommand_from set' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from set' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from set' -a '(__homenode_guests)'
complete -c homenode -n '__fish_seen_subcommand_from set' -a 'mode= class= policy= nodes= near= apart= window= pins= cpuset= persist='

complete -c homenode -n '__fish_seen_subcommand_from window' -s f -l for -x -d 'how long, 60s unless told, a day at most'
complete -c homenode -n '__fish_seen_subcommand_from window' -l close -d 'close it now'
complete -c homenode -n '__fish_seen_subcommand_from window' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from window' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from window' -a '(__homenode_guests)'

complete -c homenode -n '__fish_seen_subcommand_from replay' -s p -l policy -x -d 'as if all guests were under that policy'
complete -c homenode -n '__fish_seen_subcommand_from replay' -s n -l now -d 'as if an operator asked: one look is enough'
complete -c homenode -n '__fish_seen_subcommand_from replay' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from replay' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from replay' -F
complete -c homenode -n '__fish_seen_subcommand_from replay' -a '(__homenode_guests)'

complete -c homenode -n '__fish_seen_subcommand_from simulate' -s g -l generate -d 'draw the guests from a seed, shaped like a public cloud\'s (default)'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -s t -l trace -r -F -d 'take them from a packing trace in Azure\'s SQLite schema'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -s s -l seed -x -d 'of all that is drawn (default 1)'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -l load -x -d 'asked for in the mean, over what the host has (default 0.9)'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -l host -r -F -d 'hwloc\'s XML, a folder with sys/ and proc/, or JSON'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -s n -l nodes -x -d 'or so many nodes (default 4)'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -l cpus -x -d 'with that many CPUs each (default 32)'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -l memory -x -d 'and that much memory each (default 128G)'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -s p -l policy -x -d 'that all guests are under'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -s a -l all-policies -d 'one after the other'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -l ticks -x -d 'how long (default 8640, a day)'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -l tick -x -d 'what a tick stands for (default 10s)'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -l stray -x -d 'between two strays of a guest, in the mean (default 30m; 0: never)'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -l rate -x -d 'moved a second, by one guest at a time (default 2G)'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from simulate' -s h -l help -d 'this text'

complete -c homenode -n '__fish_seen_subcommand_from check' -l list -d 'the checks there are, what each looks at and why it matters'
complete -c homenode -n '__fish_seen_subcommand_from check' -l guest -x -a '(__homenode_guests)' -d 'a guest, should it be called like a check'
complete -c homenode -n '__fish_seen_subcommand_from check' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from check' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from check' -a '(__homenode_guests; __homenode_checks)'

complete -c homenode -n '__fish_seen_subcommand_from events' -s s -l since -x -d 'first what came after that event, 0 for all that are kept (1024)'
complete -c homenode -n '__fish_seen_subcommand_from events' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from events' -s h -l help -d 'this text'

complete -c homenode -n '__fish_seen_subcommand_from topology' -s f -l format -x -a 'json nrt placement hwloc' -d 'json (the default)'
complete -c homenode -n '__fish_seen_subcommand_from topology' -l host -r -F -d 'a host from a file instead of this one, as for homenode fit'
complete -c homenode -n '__fish_seen_subcommand_from topology' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from topology' -s h -l help -d 'this text'

complete -c homenode -n '__fish_seen_subcommand_from pause' -s w -l wait -d 'follow it to its end'
complete -c homenode -n '__fish_seen_subcommand_from pause' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from pause' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from pause' -a '(__homenode_guests)'

complete -c homenode -n '__fish_seen_subcommand_from resume' -s w -l wait -d 'follow it to its end'
complete -c homenode -n '__fish_seen_subcommand_from resume' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from resume' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from resume' -a '(__homenode_guests)'

complete -c homenode -n '__fish_seen_subcommand_from cancel' -s w -l wait -d 'follow it to its end'
complete -c homenode -n '__fish_seen_subcommand_from cancel' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from cancel' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from cancel' -a '(__homenode_guests)'

complete -c homenode -n '__fish_seen_subcommand_from drain' -s n -l dry-run -d 'print what would leave, where to, at which price, and what would stay'
complete -c homenode -n '__fish_seen_subcommand_from drain' -s w -l wait -d 'wait until it is empty'
complete -c homenode -n '__fish_seen_subcommand_from drain' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from drain' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from drain' -a '(__homenode_nodes)'

complete -c homenode -n '__fish_seen_subcommand_from undrain' -s j -l json -d 'print JSON'
complete -c homenode -n '__fish_seen_subcommand_from undrain' -s h -l help -d 'this text'
complete -c homenode -n '__fish_seen_subcommand_from undrain' -a '(__homenode_nodes)'
