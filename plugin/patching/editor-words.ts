/**
 * The program that edits, and its words: as kubectl takes them from KUBE_EDITOR, else EDITOR, else `vi` (`notepad` on
 * Windows), split at spaces. Quotes and backslashes hold words together as in a shell; there is none, so that nothing is
 * expanded.
 */
export function editorWords(
  variables: Readonly<Record<string, string | undefined>>,
  platform: string,
): readonly string[] {
  const text = variables.KUBE_EDITOR || variables.EDITOR || (platform === 'win32' ? 'notepad' : 'vi');
  // A path without spaces is one word, whatever else is in it; on Windows, backslashes.
  if (!text.includes(' ')) return [text];
  if (!/["'\\]/.test(text) || platform === 'win32') return text.split(' ').filter((word) => word !== '');
  const words = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/gs) ?? [];
  return words.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gs, (_, double?: string, single?: string, escaped?: string) =>
      double === undefined ? (single ?? escaped ?? '') : double.replace(/\\(["\\$`])/g, '$1'),
    ),
  );
}
