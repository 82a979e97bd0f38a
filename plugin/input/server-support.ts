/** Minor versions of Kubernetes: the oldest that this is made for, and the newest that it was tested with. */
export const supportedMinors = { oldest: 30, newest: 36 } as const;

/** How a server's version relates to those that this is made for. */
export function serverSupport({
  major,
  minor,
}: {
  readonly major: string;
  readonly minor: string;
}): 'too-old' | 'supported' | 'newer' {
  // Managed clouds write the minor version as `29+`.
  const number = Number.parseInt(minor, 10);
  if (Number(major) < 1 || (Number(major) === 1 && number < supportedMinors.oldest)) return 'too-old';
  return Number(major) > 1 || number > supportedMinors.newest ? 'newer' : 'supported';
}
