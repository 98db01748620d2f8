#compdef monarc-stats
# zsh completion of monarc-stats, made by 'monarc-stats completions zsh'
_monarc_stats() {
    local place='' i
    local -a commands flags settings
    for ((i = 2; i < CURRENT; i++)); do
        case "$place ${words[i]}" in
        @PLACES@) place+=" ${words[i]}" ;;
        esac
    done
    case "$place ${words[CURRENT-1]}" in
    @CHOICES@
    @VALUES@) _files; return ;;
    esac
    if ((! $#commands)); then
        case "$place" in
        @TABLE@
        esac
    fi
    settings=(
        @SETTINGS@
    )
    if [[ ${words[CURRENT]} == -* ]]; then
        _describe flag flags
        _describe setting settings
    elif (($#commands)); then
        _describe command commands
    else
        _files
    fi
}
if [[ ${funcstack[1]} == _monarc-stats ]]; then
    _monarc_stats "$@"
else
    compdef _monarc_stats monarc-stats
fi
