/** A fenced block of a Markdown file. */
export type DocBlock = {
  readonly language: string;
  readonly mark: Mark;
  readonly line: number;
  readonly text: string;
};

/**
 * What is after the language: `tested`, `untested="why"`, `file=path` for a file that later blocks use, `output` for
 * what the block before prints, or nothing.
 */
export type Mark =
  | { readonly mark: 'tested' | 'output' | 'none' }
  | { readonly mark: 'untested'; readonly why: string }
  | { readonly mark: 'file'; readonly path: string }
  | { readonly mark: 'unknown'; readonly text: string };

export function docBlocks(markdown: string): DocBlock[] {
  const blocks: DocBlock[] = [];
  let open: { fence: string; language: string; mark: Mark; line: number; lines: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const [, fence = '', info = ''] = /^\s*(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (open === undefined) {
      if (fence === '') continue;
      const [, language = '', rest = ''] = /^(\S*)\s*(.*)$/.exec(info.trim()) ?? [];
      open = { fence, language, mark: markOf(rest), line: index + 1, lines: [] };
    } else if (fence.startsWith(open.fence) && info.trim() === '') {
      const { language, mark, line: start, lines } = open;
      blocks.push({ language, mark, line: start, text: lines.join('\n') });
      open = undefined;
    } else {
      open.lines.push(line);
    }
  }
  if (open !== undefined) throw new Error(`The block that begins in line ${open.line} has no end.`);
  return blocks;
}

/** Whether somebody may take the block for something to type. */
export function isShell({ language, text }: DocBlock): boolean {
  return ['sh', 'shell', 'bash', 'zsh', 'console'].includes(language) || (language === '' && /^\$ /m.test(text));
}

export type Example = {
  readonly command: string;
  /** Undefined: the output isn't shown. */
  readonly output: string | undefined;
  readonly line: number;
};

/** `console`: what follows `$ ` is typed (`> ` goes on with it), the rest is printed. `sh`: every line is typed. */
export function examplesIn({ language, text, line }: DocBlock): Example[] {
  if (language !== 'console') return [{ command: text, output: undefined, line: line + 1 }];
  const examples: { command: string; output: string; line: number }[] = [];
  for (const [index, each] of text.split('\n').entries()) {
    const last = examples.at(-1);
    if (each.startsWith('$ ')) examples.push({ command: each.slice(2), output: '', line: line + 1 + index });
    else if (last === undefined) throw new Error(`Line ${line + 1 + index} is printed before anything is typed.`);
    else if (each.startsWith('> ') && last.output === '') last.command += `\n${each.slice(2)}`;
    else last.output += `${each}\n`;
  }
  return examples;
}

/**
 * What may differ from one run to the next, and nothing else; the same is done to what is documented and to what was
 * printed. A line that is only `…` in the docs stands for any lines.
 */
export function withoutVariableParts(text: string): string {
  const variable: readonly [RegExp, string][] = [
    [/\b\d+(?:s|m\d*s?|h\d*m?|d\d*h?) ago\b/g, 'AGE ago'],
    [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, 'TIME'],
    [/\bresourceVersion(?:": "|: "?| )\d+/g, 'resourceVersion NUMBER'],
    [/\bsha256:[0-9a-f]{12,64}/g, 'sha256:DIGEST'],
    [/\bplatform: (?:linux|darwin)\/(?:amd64|arm64)\b/g, 'platform: PLATFORM'],
    [/\bServer Version: v1\.\d+\.\d+/g, 'Server Version: VERSION'],
  ];
  return variable.reduce((result, [pattern, name]) => result.replace(pattern, name), text);
}

/** Why the output isn't what is documented, or undefined. Trailing empty lines don't count. */
export function mismatch(documented: string, printed: string): string | undefined {
  const wanted = linesOf(documented);
  const found = linesOf(printed);
  return matches(wanted, found) ? undefined : `documented:\n${wanted.join('\n')}\n\nprinted:\n${found.join('\n')}`;
}

function matches(wanted: readonly string[], found: readonly string[]): boolean {
  const [first, ...rest] = wanted;
  if (first === undefined) return found.length === 0;
  if (first.trim() === '…') return found.some((_, skipped) => matches(rest, found.slice(skipped))) || rest.length === 0;
  return first === found[0] && matches(rest, found.slice(1));
}

function linesOf(text: string): string[] {
  const lines = withoutVariableParts(text)
    .split('\n')
    .map((line) => line.trimEnd());
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

function markOf(text: string): Mark {
  if (text === '') return { mark: 'none' };
  if (text === 'tested' || text === 'output') return { mark: text };
  const why = /^untested="(.+)"$/.exec(text)?.[1];
  if (why !== undefined) return { mark: 'untested', why };
  const path = /^file=([\w./-]+)$/.exec(text)?.[1];
  return path === undefined ? { mark: 'unknown', text } : { mark: 'file', path };
}
