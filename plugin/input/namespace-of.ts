import type { Arguments } from '../arguments.ts';

/** The namespace that is asked for; undefined for all. An empty one is none, as with kubectl (`-n "$NAMESPACE"`). */
export function namespaceOf(args: Arguments): string | undefined {
  return args.isOn('all-namespaces') ? undefined : args.text('namespace') || undefined;
}
