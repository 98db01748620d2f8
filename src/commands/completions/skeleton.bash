# bash completion of monarc-stats, made by 'monarc-stats completions bash'
_monarc_stats() {
    local current=$2 previous=$3 place='' commands='' flags='' i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$place ${COMP_WORDS[i]}" in
        @PLACES@) place+=" ${COMP_WORDS[i]}" ;;
        esac
    done
    case "$place $previous" in
    @CHOICES@
    @VALUES@) return ;;
    esac
    if [ -z "$commands" ]; then
        case "$place" in
        @TABLE@
        esac
    fi
    if [ "${current:0:1}" = - ]; then
        commands="$flags @SETTINGS@"
    fi
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
}
complete -o default -F _monarc_stats monarc-stats
