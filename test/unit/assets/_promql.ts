/** What a PromQL query asks for: its metrics with the labels that they are chosen by, and the labels it groups by. */
export type Asked = {
  readonly selectors: readonly { readonly metric: string; readonly labels: readonly string[] }[];
  readonly grouping: readonly string[];
};

/** As far as queries of this project go: no selector without a name, no comments. */
export function askedBy(query: string): Asked {
  const tokens = query.match(/"(?:\\.|[^"\\])*"|\$\w+|[A-Za-z_][\w:]*|\d[\w.:]*|=~|!~|!=|\S/g) ?? [];
  const selectors: { metric: string; labels: string[] }[] = [];
  const grouping: string[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    const next = tokens[at + 1];
    if (!/^[A-Za-z_]/.test(token)) continue;
    if (groupingWords.has(token)) {
      if (next !== '(') continue;
      for (at += 2; tokens[at] !== ')'; at++) if (tokens[at] !== ',') grouping.push(tokens[at] ?? '');
    } else if (next === '(' || operators.has(token) || groupingWords.has(next ?? '')) {
      // The label that label_replace makes is the second of its words.
      if (token === 'label_replace') grouping.push(...madeLabel(tokens, at + 1));
    } else {
      const labels: string[] = [];
      if (next === '{') {
        for (at += 2; tokens[at] !== '}'; at++) {
          if (/^(=~?|!=|!~)$/.test(tokens[at + 1] ?? '')) labels.push(tokens[at] ?? '');
        }
      }
      selectors.push({ metric: token, labels });
    }
  }
  return { selectors, grouping };
}

/** Labels that `label_replace` adds. */
export function madeLabels(query: string): string[] {
  const tokens = query.match(/"(?:\\.|[^"\\])*"|\w+|\S/g) ?? [];
  return tokens.flatMap((token, at) => (token === 'label_replace' ? madeLabel(tokens, at + 1) : []));
}

function madeLabel(tokens: readonly string[], open: number): string[] {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    if (/^[({[]$/.test(token)) depth++;
    if (/^[)}\]]$/.test(token)) depth--;
    if (depth === 1 && token === ',') return [(tokens[at + 1] ?? '').slice(1, -1)];
  }
  return [];
}

const groupingWords = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const operators = new Set(['and', 'or', 'unless', 'offset', 'bool', 'atan2']);
