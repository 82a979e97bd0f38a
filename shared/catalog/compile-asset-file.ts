import { groupOf } from '../api/object-ref.ts';
import { parseYamlDocuments, YamlError } from '../yaml/parse-yaml.ts';
import type { RenderContext } from './asset.ts';
import type { Mistake } from './catalog-error.ts';
import { checkTemplate } from './check-template.ts';
import { type CompiledCondition, type ConditionScope, compileCondition } from './compile-condition.ts';
import type { CompiledAsset, CompiledIdentity, CompiledRead } from './compiled-catalog.ts';
import type { Declared } from './context-names.ts';
import { type CompiledIdentityText, compileIdentityText } from './identity-template.ts';
import { isMap, type JsonMap } from './json.ts';
import { parseTemplate } from './parse-template.ts';
import { pluralOf } from './plural.ts';
import { Fields, type Path } from './read-fields.ts';
import { RenderError } from './render-error.ts';
import { bodyTemplate, mistakeInBodyKey } from './template.ts';

export type CompiledAssetFile = {
  readonly assets: readonly CompiledAsset[];
  /** Paths of the files that its template puts in, relative to it. */
  readonly shippedFiles: readonly string[];
  readonly mistakes: readonly Mistake[];
  readonly lineOf: (path: Path) => number;
};

/**
 * The assets of one `NAME.yaml.hbs`: front matter in plain YAML, then the template of the body; one asset, or one for
 * each variant. All that is wrong with the file is in `mistakes`; then the assets aren't complete.
 *
 * @param shippedFile bytes of a file of the catalog, by a path relative to this file
 * @param defaults front matter that the assets of its folder share: what the file says itself goes first
 */
export function compileAssetFile(
  file: string,
  source: string,
  shippedFile: (path: string) => Uint8Array | undefined,
  defaults: JsonMap = {},
): CompiledAssetFile {
  const mistakes: Mistake[] = [];
  const nothing = { assets: [], shippedFiles: [], mistakes, lineOf: () => 1 };
  const report = (line: number, message: string) => mistakes.push({ file, line, message });

  const parts = splitDocuments(source);
  if (parts === undefined) {
    report(1, 'An asset is two YAML documents: what it is, a line of ---, and the template of the body');
    return nothing;
  }
  let document: ReturnType<typeof parseYamlDocuments>[number] | undefined;
  try {
    [document] = parseYamlDocuments(parts.frontMatter, { file, ambiguous: 'refuse' });
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    for (const { line, message } of error.mistakes) report(line, message);
    return nothing;
  }
  if (document === undefined) {
    report(1, 'The first document, what the asset is, is empty');
    return nothing;
  }

  const { lineOf } = document;
  const fields = new Fields(withDefaults(document.value, defaults), [], (path, message) =>
    report(lineOf(path), message),
  );
  const front = readFrontMatter(fields);
  const baseName = file.slice(file.lastIndexOf('/') + 1).replace(/\.yaml\.hbs$/, '');
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(baseName))
    report(1, `${baseName} can't name an asset: lower-case letters, digits and single dashes`);

  const variantParams = front.variants.map(({ params }) => Object.keys(params));
  const declared: Declared = {
    params: new Set([...Object.keys(front.params), ...variantParams.flat()]),
    reads: new Set(front.reads.keys()),
  };
  for (const { params, path } of front.variants) {
    for (const name of declared.params) {
      if (!(name in front.params) && !(name in params))
        report(lineOf(path), `This variant gives no value to params.${name}`);
    }
  }

  const used = new Set<string>();
  const use = (uses: readonly string[]) => {
    for (const path of uses) used.add(path.split('.', 2).join('.'));
  };
  const text = (source: string, path: Path): CompiledIdentityText | undefined => {
    const result = compileIdentityText(source, { file, line: lineOf(path), params: declared.params });
    if ('mistake' in result) report(lineOf(path), result.mistake);
    else use(result.compiled.uses);
    return 'mistake' in result ? undefined : result.compiled;
  };
  const condition = (expression: string, path: Path, scope: ConditionScope): CompiledCondition[] => {
    const result = compileCondition(expression, scope);
    if ('mistakes' in result) {
      for (const mistake of result.mistakes) report(lineOf(path), mistake);
      return [];
    }
    use(result.compiled.uses.map(({ use }) => use));
    return [result.compiled];
  };
  const inContext: ConditionScope = { variables: 'context', declared };
  const conditions = (expressions: readonly string[], path: Path) =>
    expressions.flatMap((expression, index) => condition(expression, [...path, index], inContext));

  const target = identity(front.target, text);
  const reads = Object.fromEntries([...front.reads].flatMap(([alias, read]) => readOf(alias, read, text)));
  const when = conditions(front.when, ['when']);
  const readyWhen =
    front.readyWhen === undefined ? undefined : condition(front.readyWhen, ['readyWhen'], { variables: 'object' })[0];

  const { nodes, mistakes: syntaxMistakes } = parseTemplate(parts.template, { file, firstLine: parts.templateLine });
  const facts = checkTemplate(nodes, { file, declared, hasFile: (path) => shippedFile(path) !== undefined });
  mistakes.push(
    ...syntaxMistakes,
    ...facts.mistakes,
    ...mistakesInTopLevelKeys(parts.template, parts.templateLine, file),
  );
  use(facts.uses);

  const variants =
    front.variants.length > 0
      ? front.variants
      : [{ suffix: undefined, group: undefined, params: {}, when: [], path: [] as Path }];
  const assets = variants.flatMap((variant): CompiledAsset[] => {
    const variantWhen = conditions(variant.when, [...variant.path, 'when']);
    if (target === undefined) return [];
    const group = variant.group ?? front.group;
    return [
      {
        name: variant.suffix === undefined ? baseName : `${baseName}-${variant.suffix}`,
        file,
        features: front.features,
        install: front.install,
        order: front.order,
        protects: front.protects,
        target,
        gates: front.gates,
        when: [...when, ...variantWhen],
        reads,
        params: { ...front.params, ...variant.params },
        dependsOn: front.dependsOn,
        readyTimeoutMs: front.readyTimeoutMs,
        body: { file, nodes: JSON.stringify(nodes), uses: facts.uses, reads: facts.reads },
        ...(group === undefined ? {} : { group }),
        ...(readyWhen === undefined ? {} : { readyWhen }),
      },
    ];
  });

  // A file that has mistakes may use what it seems not to use.
  if (mistakes.length === 0) {
    for (const name of declared.params)
      if (!used.has(`params.${name}`)) report(lineOf(['params', name]), `params.${name} isn't used`);
    for (const name of declared.reads)
      if (!used.has(`objects.${name}`)) report(lineOf(['reads', name]), `objects.${name} isn't used`);
    const isKnown = facts.uses.every((use) => use.startsWith('params.'));
    if (isKnown) mistakes.push(...mistakesInKnownBodies(assets, shippedFile));
  }
  return { assets, shippedFiles: facts.files, mistakes, lineOf };
}

/** Key by key; of the target, its own keys. */
function withDefaults(own: unknown, defaults: JsonMap): unknown {
  if (!isMap(own)) return own;
  const target = isMap(own.target) && isMap(defaults.target) ? { target: { ...defaults.target, ...own.target } } : {};
  return { ...defaults, ...own, ...target };
}

/** The front matter ends at the first line of three dashes after something. */
function splitDocuments(source: string): { frontMatter: string; template: string; templateLine: number } | undefined {
  const lines = source.split('\n');
  const isSeparator = (line: string) => /^---\s*$/.test(line);
  const start = lines.findIndex((line) => line.trim() !== '' && !line.startsWith('#') && !isSeparator(line));
  const end = start === -1 ? -1 : lines.findIndex((line, index) => index > start && isSeparator(line));
  if (end === -1) return undefined;
  return {
    frontMatter: lines.slice(0, end).join('\n'),
    template: lines.slice(end + 1).join('\n'),
    templateLine: end + 2,
  };
}

function readFrontMatter(fields: Fields) {
  const format = fields.required('format', fields.integer('format'));
  if (format !== undefined && format !== 1)
    fields.mistake('format', `Format ${format} isn't known; this program reads format 1`);
  const targetFields = fields.required('target', fields.fields('target'));
  const reads = new Map<string, ReadFields>();
  for (const [alias, read] of fields.fieldsByName('reads')) {
    if (!/^[A-Za-z_]\w*$/.test(alias)) fields.mistake('reads', `${alias} can't be an alias: letters, digits and _`);
    reads.set(alias, {
      ...readIdentity(read, 'read'),
      isList: read.boolean('list') === true,
      path: read.path,
      fields: read,
    });
    read.end();
  }
  const front = {
    features: fields.oneOrMoreTexts('feature'),
    group: fields.text('group'),
    protects: fields.boolean('protects') ?? false,
    install: fields.oneOf('install', ['always', 'opt-in']) ?? 'always',
    target: targetFields && { ...readIdentity(targetFields, 'target'), path: targetFields.path, fields: targetFields },
    order: fields.integer('order') ?? 0,
    when: fields.texts('when'),
    gates: fields.texts('gates'),
    reads,
    params: fields.textMap('params'),
    variants: readVariants(fields),
    dependsOn: fields.texts('dependsOn'),
    readyWhen: fields.text('readyWhen'),
    readyTimeoutMs: duration(fields, 'readyTimeout') ?? 15 * 60_000,
  };
  targetFields?.end();
  fields.end();
  front.gates.forEach((gate) => {
    if (!/^[a-z0-9]+(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/.test(gate))
      fields.mistake('gates', `${gate} isn't the name of a CRD (plural.group)`);
  });
  for (const name of Object.keys(front.params)) checkParamName(name, fields);
  return front;
}

type IdentityFields = {
  readonly apiVersions: readonly string[];
  readonly kind: string | undefined;
  readonly plural: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly path: Path;
  readonly fields: Fields;
};
type ReadFields = IdentityFields & { readonly isList: boolean };

function readIdentity(fields: Fields, what: 'target' | 'read') {
  const apiVersions = fields.required('apiVersion', fields.oneOrMoreTexts('apiVersion')) ?? [];
  const kind = fields.required('kind', fields.text('kind'));
  const plural = fields.text('plural');
  const namespace = fields.text('namespace');
  const name = fields.text('name');
  if (what === 'target') fields.required('name', name);
  else {
    const isList = fields.boolean('list') === true;
    if (isList && name !== undefined)
      fields.mistake('name', 'A read is of one object (name) or of a list (list: true), not both');
    if (!isList && !fields.has('name'))
      fields.mistake('kind', 'A read is of one object (name) or of a list (list: true)');
  }
  for (const apiVersion of apiVersions) {
    if (!/^([a-z0-9.-]+\/)?v[a-z0-9]+$/.test(apiVersion))
      fields.mistake('apiVersion', `${apiVersion} isn't an apiVersion`);
  }
  if (new Set(apiVersions.map(groupOf)).size > 1) fields.mistake('apiVersion', 'The versions must be of one API group');
  if (kind !== undefined && !/^[A-Z][A-Za-z0-9]*$/.test(kind)) fields.mistake('kind', `${kind} isn't a kind`);
  if (plural !== undefined && !/^[a-z0-9]+$/.test(plural)) fields.mistake('plural', `${plural} isn't a plural`);
  return { apiVersions, kind, plural, namespace, name };
}

function readVariants(fields: Fields) {
  const list = fields.fieldsList('variants');
  if (list !== undefined && list.length === 0) fields.mistake('variants', 'variants is empty');
  const variants = (list ?? []).map((variant) => {
    const suffix = variant.text('suffix');
    if (suffix !== undefined && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(suffix))
      variant.mistake('suffix', `${suffix} can't end an asset's name`);
    const result = {
      suffix,
      group: variant.text('group'),
      params: variant.textMap('params'),
      when: variant.texts('when'),
      path: variant.path,
    };
    for (const name of Object.keys(result.params)) checkParamName(name, variant);
    variant.end();
    return result;
  });
  const suffixes = variants.map(({ suffix }) => suffix ?? '');
  suffixes.forEach((suffix, index) => {
    if (suffixes.indexOf(suffix) < index)
      list?.[index]?.mistake(
        'suffix',
        suffix === '' ? 'Only one variant can be without a suffix' : `There is another variant ${suffix}`,
      );
  });
  return variants;
}

function checkParamName(name: string, fields: Fields): void {
  if (!/^[A-Za-z_]\w*$/.test(name)) fields.mistake('params', `${name} can't be a param's name: letters, digits and _`);
}

function duration(fields: Fields, key: string): number | undefined {
  const text = fields.text(key);
  if (text === undefined) return undefined;
  const [, number, unit] = /^([1-9]\d{0,5})([smh])$/.exec(text) ?? [];
  if (number === undefined) fields.mistake(key, `${text} isn't a time like 90s, 15m or 1h`);
  return number === undefined
    ? undefined
    : Number(number) * { s: 1000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h'];
}

type CompileText = (source: string, path: Path) => CompiledIdentityText | undefined;

function identity(fields: IdentityFields | undefined, text: CompileText): CompiledIdentity | undefined {
  if (fields === undefined) return undefined;
  const { apiVersions, kind, namespace, path } = fields;
  const name = fields.name === undefined ? undefined : text(fields.name, [...path, 'name']);
  const namespaceText = namespace === undefined ? undefined : text(namespace, [...path, 'namespace']);
  if (name === undefined || kind === undefined || apiVersions.length === 0) return undefined;
  return {
    apiVersions,
    kind,
    plural: fields.plural ?? pluralOf(kind),
    name,
    ...(namespaceText && { namespace: namespaceText }),
  };
}

function readOf(alias: string, fields: ReadFields, text: CompileText): [string, CompiledRead][] {
  const { apiVersions, kind, namespace, path } = fields;
  if (!fields.isList) {
    const one = identity(fields, text);
    return one === undefined ? [] : [[alias, { read: 'object', ...one }]];
  }
  const [apiVersion] = apiVersions;
  if (apiVersions.length > 1) fields.fields.mistake('apiVersion', 'A list is read in one version');
  const namespaceText = namespace === undefined ? undefined : text(namespace, [...path, 'namespace']);
  if (apiVersion === undefined || kind === undefined) return [];
  const plural = fields.plural ?? pluralOf(kind);
  return [[alias, { read: 'list', apiVersion, kind, plural, ...(namespaceText && { namespace: namespaceText }) }]];
}

/** What is at the left margin of a template is at the top of the body, whatever the values. */
function mistakesInTopLevelKeys(template: string, firstLine: number, file: string): Mistake[] {
  return template.split('\n').flatMap((line, index) => {
    const key = /^["']?(apiVersion|kind|status)["']?\s*:/.exec(line)?.[1];
    return key === undefined ? [] : [{ file, line: firstLine + index, message: mistakeInBodyKey(key) }];
  });
}

/** Bodies that depend on nothing but params can be rendered here and now. What all variants share is one mistake. */
function mistakesInKnownBodies(
  assets: readonly CompiledAsset[],
  shippedFile: (path: string) => Uint8Array | undefined,
): Mistake[] {
  const mistakes = assets.flatMap(({ body, params }) => {
    const context: Partial<RenderContext> = { annotations: {}, params };
    try {
      bodyTemplate(body, shippedFile).render(context as RenderContext);
      return [];
    } catch (error) {
      if (!(error instanceof RenderError)) throw error;
      return [{ file: error.file, line: error.line, message: error.reason }];
    }
  });
  return [...new Map(mistakes.map((mistake) => [JSON.stringify(mistake), mistake])).values()];
}
