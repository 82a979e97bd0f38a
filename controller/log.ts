import { escapeJson, escapeText } from '../shared/api/escape.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

/** A constant message, and what varies in fields. Values of annotations belong to `debug` alone. */
export type Log = { readonly [Level in LogLevel]: (message: string, fields?: LogFields) => void };

export type LogOptions = {
  /** The least that is written. Default `info`. */
  readonly level?: LogLevel;
  /** Default `json`: one object a line. */
  readonly format?: 'json' | 'text';
  /** Takes one line, its line break included. */
  readonly write: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly date: () => number;
};

/**
 * @example
 * const log = createLog({ format: 'json', write: (line) => process.stderr.write(line), date: Date.now });
 * log.info('object configured', { object: 'ConfigMap/x/y', fields: 2 });
 */
export function createLog({ level = 'info', format = 'json', write, date }: LogOptions): Log {
  const line = format === 'json' ? jsonLine : textLine;
  const at = (own: LogLevel) => (message: string, fields?: LogFields) => {
    if (logLevels.indexOf(own) < logLevels.indexOf(level)) return;
    write(`${line({ time: new Date(date()).toISOString(), level: own, message }, plainFields(fields))}\n`);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** From the least to the most serious. */
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

type Head = { readonly time: string; readonly level: LogLevel; readonly message: string };

function jsonLine(head: Head, fields: LogFields): string {
  // What says when and how serious it is can't be overwritten by a field.
  return escapeJson(stringify({ ...head, ...fields, ...head }) ?? JSON.stringify(head));
}

function textLine({ time, level, message }: Head, fields: LogFields): string {
  const words = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${escapeText(name)}=${textOf(value)}`);
  return [time, level.toUpperCase().padEnd(5), escapeText(message), ...words].join(' ');
}

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : (stringify(value) ?? String(value));
  return /^[^\s"=]+$/.test(text) ? escapeText(text) : escapeText(JSON.stringify(text));
}

/** Undefined for what JSON can't say: a log line must never be what fails. */
function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** Errors as their message and that of their causes; nothing else of them is for a log. */
function plainFields(fields: LogFields = {}): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? messageOf(value) : value]),
  );
}

function messageOf(error: Error): string {
  const messages: string[] = [];
  for (let at: unknown = error; at instanceof Error && messages.length < 5; at = at.cause) {
    const { message } = at;
    // Many a message quotes its cause already.
    if (!messages.some((earlier) => earlier.includes(message))) messages.push(message || at.name);
  }
  return messages.join(': ');
}
