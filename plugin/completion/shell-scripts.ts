import { directive } from './candidate.ts';

/** What each shell sources to complete `kubectl-virt_platform` called by its own name; kubectl's script does it for kubectl. */
export const shellScripts = {
  // Of bash 3.2 as on macOS, and without the package bash-completion. What bash has split at = and : is put together
  // again, and taken off again from what is completed, since bash replaces only the last part.
  bash: `# bash completion for kubectl-virt_platform
__kubectl_virt_platform() {
  local IFS=$' \\t\\n' index part glue= last="\${COMP_WORDS[COMP_CWORD]}" typed line directive=0
  local -a words
  words=()
  for ((index = 1; index <= COMP_CWORD; index++)); do
    part=\${COMP_WORDS[index]}
    if [[ -n \${words[0]+set} && ( $part == [=:]* || -n $glue ) ]]; then
      words[\${#words[@]}-1]+=$part
    else
      words+=("$part")
    fi
    glue=
    if [[ $part == *[=:] ]]; then glue=yes; fi
  done
  typed=\${words[\${#words[@]}-1]}
  if [[ $typed == -*=* ]]; then typed=\${typed#*=}; fi
  if [[ $last == [=:] ]]; then last=; fi

  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line =~ ^:[0-9]+$ ]]; then
      directive=\${line#:}
    else
      line=\${line%%$'\\t'*}
      COMPREPLY+=("\${line#"\${typed%"$last"}"}")
    fi
  done < <("\${COMP_WORDS[0]}" __complete "\${words[@]}" 2>/dev/null)

  if ((directive & ${directive.noSpace})); then compopt -o nospace 2>/dev/null; fi
  if ((directive & ${directive.folders})); then
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$last")
  elif ((directive == ${directive.files})) && [[ -z \${COMPREPLY[0]+set} ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$last")
  fi
}
complete -F __kubectl_virt_platform kubectl-virt_platform
`,

  zsh: `#compdef kubectl-virt_platform
# zsh completion for kubectl-virt_platform
_kubectl_virt_platform() {
  local line value directive=0
  local -a candidates space
  for line in "\${(@f)$("\${(Q)words[1]}" __complete "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}"; do
    if [[ $line == :<-> ]]; then
      directive=\${line#:}
    elif [[ -n $line ]]; then
      value=\${line%%$'\\t'*}
      if [[ $line == *$'\\t'* ]]; then
        candidates+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
      else
        candidates+=("\${value//:/\\\\:}")
      fi
    fi
  done
  # The value of --option=value is completed by itself.
  if [[ $PREFIX == -*=* ]]; then compset -P '*='; fi
  if ((directive & ${directive.noSpace})); then space=(-S ''); fi
  if ((directive & ${directive.folders})); then
    _files -/
  elif ((directive == ${directive.files} && \${#candidates} == 0)); then
    _files
  else
    _describe -V candidate candidates "\${space[@]}"
  fi
}
# Either from a folder of fpath, where it is the function itself, or sourced.
if [[ \${funcstack[1]-} == _kubectl_virt_platform ]]; then
  _kubectl_virt_platform "$@"
elif (( $+functions[compdef] )); then
  compdef _kubectl_virt_platform kubectl-virt_platform
fi
`,

  fish: `# fish completion for kubectl-virt_platform
function __kubectl_virt_platform
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    # The value of --option=value is completed with the option before it.
    set -l option (string match -r -- '^-[^=]*=' $typed)
    set -l directive 0
    set -l candidates
    for line in (command $words[1] __complete $words[2..-1] "$typed" 2>/dev/null)
        if string match -qr '^:\\d+$' -- $line
            set directive (string sub -s 2 -- $line)
        else
            set -a candidates "$option$line"
        end
    end
    if test (math "bitand($directive, ${directive.folders})") -ne 0
        __fish_complete_directories "$typed"
    else if test $directive -eq ${directive.files} -a (count $candidates) -eq 0
        __fish_complete_path "$typed"
    else
        printf '%s\\n' $candidates
    end
end
complete -c kubectl-virt_platform -e
complete -c kubectl-virt_platform -f -k -a '(__kubectl_virt_platform)'
`,
} as const;
