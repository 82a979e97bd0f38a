/** A file of an archive; whoever unpacks it owns it. */
export type ArchiveEntry = {
  /** At the top of the archive: a plain name. */
  readonly name: string;
  readonly content: Uint8Array;
  readonly isExecutable: boolean;
};

/** What an archive says of every file in it, so that the same files give the same bytes. */
export type ArchiveOptions = {
  /** To the second. */
  readonly modified: Date;
};

/** By name, in code units; refuses what isn't a plain name, or is there twice. */
export function sortedEntries(entries: readonly ArchiveEntry[]): ArchiveEntry[] {
  const names = entries.map(({ name }) => name);
  for (const [index, name] of names.entries()) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,98}$/.test(name)) throw new Error(`"${name}" isn't a plain file name.`);
    if (names.indexOf(name) !== index) throw new Error(`There are two files ${name}.`);
  }
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** For owner, group and others. */
export function modeOf({ isExecutable }: ArchiveEntry): number {
  return isExecutable ? 0o755 : 0o644;
}
