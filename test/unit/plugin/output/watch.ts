import test from 'ava';
import type { Messages } from '../../../../plugin/output/messages.ts';
import { type View, watch } from '../../../../plugin/output/watch.ts';
import { UserError } from '../../../../plugin/user-error.ts';
import { environmentFor } from '../_environment.ts';

type Look = View | Error | ((messages: Messages) => View);

/** What is written while it looks at these, one after the other, and is interrupted then. */
async function watched(looks: readonly Look[], { isTerminal = false } = {}) {
  const interrupt = new AbortController();
  const written = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    isTerminal: isTerminal && name === 'stdout',
    write: (text: string) => {
      written[name] += text;
    },
  });
  const left = [...looks];
  const environment = environmentFor({ signal: interrupt.signal, stdout: output('stdout'), stderr: output('stderr') });
  const code = await watch(
    async (messages) => {
      const next = left.shift();
      if (left.length === 0) interrupt.abort();
      if (next instanceof Error || next === undefined) throw next;
      return typeof next === 'function' ? next(messages) : next;
    },
    environment,
    { intervalMs: 1 },
  );
  return { ...written, code };
}

const view = (text: string, key = text): View => ({ text: `${text}\n`, key });
const away = () => Object.assign(new Error('could not reach the API server'), { name: 'ConnectionError' });

test('into a pipe goes what changed, not what only grew older; an interruption is exit code 130', async (t) => {
  const { stdout, stderr, code } = await watched([view('a, 1s', 'a'), view('a, 2s', 'a'), view('b'), view('b')]);
  t.is(stdout, 'a, 1s\n\nb\n');
  t.is(stderr, '');
  t.is(code, 130);
});

test('it ends where nobody reads any more, which is no failure', async (t) => {
  const reader = new AbortController();
  const stdout = { isTerminal: false, write: () => reader.abort(), closed: reader.signal };
  let looks = 0;
  const look = async () => view(`look ${++looks}`);
  t.is(await watch(look, environmentFor({ stdout }), { intervalMs: 60_000 }), 0);
  t.is(looks, 1);
});

test('a server that goes away is said once, and that it is back; what it showed is not printed again', async (t) => {
  const { stdout, stderr } = await watched([view('a'), away(), away(), view('a'), away(), view('b'), view('b')]);
  t.is(stdout, 'a\n\nb\n');
  t.is(
    stderr,
    `Warning: could not reach the API server; trying again
note: it can be looked at again, after 0s
Warning: could not reach the API server; trying again
note: it can be looked at again, after 0s
`,
  );
});

test('a terminal is redrawn, with what is said beside the data above it', async (t) => {
  const warned = (messages: Messages) => {
    messages.warn('careful');
    return view('a');
  };
  const { stdout, stderr } = await watched([warned, warned], { isTerminal: true });
  const once = '\u001b[HWarning: careful\u001b[K\na\u001b[K\n\u001b[J';
  t.is(stdout, `${once}${once}`);
  t.is(stderr, '');
});

test('a first look that fails is an error, as is a mistake of ours', async (t) => {
  await t.throwsAsync(watched([away(), view('a')]), { message: 'could not reach the API server' });
  await t.throwsAsync(watched([view('a'), new TypeError('x is undefined'), view('a')]), { message: 'x is undefined' });
});

test('what a person may put right meanwhile is waited for', async (t) => {
  const { stderr } = await watched([view('a'), new UserError('there is no HyperConverged'), view('a')]);
  t.regex(stderr, /^Warning: there is no HyperConverged; trying again\n/);
});
