import { nearestName } from '../api/nearest-name.ts';
import { isList, isMap, type JsonMap } from './json.ts';

export type Path = readonly (string | number)[];
export type Report = (path: Path, message: string) => void;

/**
 * The fields of one map in a file, taken out one by one by name and type. What is wrong is reported, with its path, and
 * counts as absent; {@link Fields.end} reports the keys that nobody asked for.
 */
export class Fields {
  readonly path: Path;
  readonly #map: JsonMap;
  readonly #report: Report;
  readonly #asked = new Set<string>();

  constructor(value: unknown, path: Path, report: Report) {
    this.path = path;
    this.#report = report;
    this.#map = isMap(value) ? value : {};
    if (!isMap(value)) report(path, `${label(path)} must be a map`);
  }

  has(key: string): boolean {
    return this.#take(key) !== undefined;
  }

  text(key: string): string | undefined {
    return this.#typed(key, 'text', (value) => typeof value === 'string' && value !== '');
  }

  boolean(key: string): boolean | undefined {
    return this.#typed(key, 'true or false', (value) => typeof value === 'boolean');
  }

  integer(key: string): number | undefined {
    return this.#typed(key, 'a whole number', Number.isSafeInteger);
  }

  oneOf<Value extends string>(key: string, values: readonly Value[]): Value | undefined {
    return this.#typed(key, values.join(' or '), (value) => values.includes(value as Value));
  }

  texts(key: string): readonly string[] {
    const isText = (item: unknown) => typeof item === 'string' && item !== '';
    return this.#typed(key, 'a list of texts', (value) => isList(value) && value.every(isText)) ?? [];
  }

  /** One text, or a list of them that isn't empty. */
  oneOrMoreTexts(key: string): readonly string[] {
    if (isList(this.#take(key))) {
      const list = this.texts(key);
      if (list.length === 0) this.mistake(key, `${key} is empty`);
      return list;
    }
    const text = this.text(key);
    return text === undefined ? [] : [text];
  }

  textMap(key: string): Readonly<Record<string, string>> {
    const isTextMap = (value: unknown) =>
      isMap(value) && Object.values(value).every((item) => typeof item === 'string');
    return this.#typed(key, 'a map of texts (quote numbers)', isTextMap) ?? {};
  }

  fields(key: string): Fields | undefined {
    const value = this.#take(key);
    return value === undefined ? undefined : new Fields(value, [...this.path, key], this.#report);
  }

  fieldsByName(key: string): readonly (readonly [string, Fields])[] {
    const map = this.#typed<JsonMap>(key, 'a map', isMap) ?? {};
    return Object.entries(map).map(([name, item]) => [name, new Fields(item, [...this.path, key, name], this.#report)]);
  }

  fieldsList(key: string): readonly Fields[] | undefined {
    const list = this.#typed<readonly unknown[]>(key, 'a list', isList);
    return list?.map((item, index) => new Fields(item, [...this.path, key, index], this.#report));
  }

  required<Value>(key: string, value: Value | undefined): Value | undefined {
    if (!this.has(key)) this.#report(this.path, `${label(this.path)} needs ${key}`);
    return value;
  }

  mistake(key: string, message: string): void {
    this.#report([...this.path, key], message);
  }

  end(): void {
    const where = this.path.length === 0 ? 'the document' : label(this.path);
    for (const key of Object.keys(this.#map)) {
      if (this.#asked.has(key)) continue;
      const nearest = nearestName(key, this.#asked);
      this.mistake(key, `${key} is no key of ${where}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`);
    }
  }

  #take(key: string): unknown {
    this.#asked.add(key);
    return Object.hasOwn(this.#map, key) ? this.#map[key] : undefined;
  }

  #typed<Value>(key: string, wanted: string, fits: (value: unknown) => boolean): Value | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (fits(value)) return value as Value;
    this.mistake(key, `${label([...this.path, key])} must be ${wanted}`);
    return undefined;
  }
}

function label(path: Path): string {
  if (path.length === 0) return 'The document';
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}
