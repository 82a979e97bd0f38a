import type { Template } from './asset.ts';
import { RenderError } from './render-error.ts';

/** The name or namespace of an object as its file has it, and where that is. */
export type CompiledIdentityText = {
  readonly source: string;
  readonly uses: readonly string[];
  readonly file: string;
  readonly line: number;
};

/**
 * Checks the name or namespace of an object: plain text with `{{params.x}}` and `{{hyperConverged.namespace}}`, nothing
 * else, so that identities are known to whoever generates permissions.
 */
export function compileIdentityText(
  source: string,
  { file, line, params }: { file: string; line: number; params: ReadonlySet<string> },
): { readonly compiled: CompiledIdentityText } | { readonly mistake: string } {
  const uses = new Set<string>();
  for (const [tag, name = ''] of source.matchAll(/\{\{(.*?)\}\}/g)) {
    const path = name.trim();
    if (path !== 'hyperConverged.namespace' && !/^params\.[\w-]+$/.test(path)) {
      return { mistake: `Only {{params.x}} and {{hyperConverged.namespace}} may stand here, not ${tag}` };
    }
    if (path.startsWith('params.') && !params.has(path.slice('params.'.length))) {
      return { mistake: `${path} isn't among the asset's params` };
    }
    uses.add(path);
  }
  const literal = source.replace(/\{\{.*?\}\}/g, '');
  if (!/^[A-Za-z0-9.:_-]*$/.test(literal))
    return { mistake: `${JSON.stringify(source)} can't be the name of an object` };
  return { compiled: { source, uses: [...uses].sort(), file, line } };
}

/** The template of a name or namespace that was checked. */
export function identityTemplate({ source, uses, file, line }: CompiledIdentityText): Template<string> {
  return {
    uses,
    render({ params: values, hyperConverged }) {
      const name = source.replace(/\{\{(.*?)\}\}/g, (_, inner: string) => {
        const path = inner.trim();
        return path === 'hyperConverged.namespace'
          ? hyperConverged.namespace
          : (values[path.slice('params.'.length)] ?? '');
      });
      // It becomes a part of a URL.
      if (!/^[A-Za-z0-9][A-Za-z0-9.:_-]*$/.test(name)) {
        throw new RenderError(file, line, `${JSON.stringify(name)} can't be the name of an object`);
      }
      return name;
    },
  };
}
