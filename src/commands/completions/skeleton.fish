# fish completion of monarc-stats, made by 'monarc-stats completions fish'
function __monarc_stats_at
    set -l place ''
    for word in (commandline -opc)[2..]
        switch "$place $word"
            case @PLACES@
                set place "$place $word"
        end
    end
    test "$place" = "$argv[1]"
end
@TABLE@
