import test from 'ava';
import { asksForHelp, commandWord, parseArguments } from '../../../plugin/arguments.ts';
import type { Option } from '../../../plugin/command.ts';
import { connection, everywhere } from '../../../plugin/global-options.ts';
import { UserError } from '../../../plugin/user-error.ts';

const options: readonly Option[] = [
  ...connection,
  ...everywhere,
  { name: 'output', short: 'o', type: 'text', choices: ['json', 'yaml'], description: '' },
  { name: 'filename', short: 'f', type: 'texts', description: '' },
  { name: 'recursive', short: 'R', type: 'switch', description: '' },
  { name: 'no-headers', type: 'switch', description: '' },
];
const parse = (...args: string[]) => parseArguments(args, options, { help: 'x --help' });

const sameOutput = test.macro((t, ...args: string[]) => {
  t.is(parse(...args).text('output'), 'json');
});
test('an option is taken as --output json', sameOutput, '--output', 'json');
test('an option is taken as --output=json', sameOutput, '--output=json');
test('an option is taken as -o json', sameOutput, '-o', 'json');
test('an option is taken as -o=json', sameOutput, '-o=json');
test('an option is taken as -ojson', sameOutput, '-ojson');
test('an option is taken as --o json, as kubectl takes it not: it is unknown', (t) => {
  t.throws(() => parse('--o', 'json'), { instanceOf: UserError, message: /unknown flag --o/ });
});

test('of an option given twice the last counts', (t) => {
  t.is(parse('-o', 'json', '-o', 'yaml').text('output'), 'yaml');
});

test('an option that may be given several times keeps all its values', (t) => {
  t.deepEqual(parse('-f', 'a', '--filename=b', '-f', '-').texts('filename'), ['a', 'b', '-']);
});

test('the word after an option that needs a value is its value, whatever it looks like', (t) => {
  t.is(parse('-n', '-x').text('namespace'), '-x');
  t.is(parse('--token', '--').text('token'), '--');
  t.is(parse('--token=a=b').text('token'), 'a=b');
});

test('an empty value is none, and takes nothing else for one', (t) => {
  const args = parse('--context=', 'a', '--token', '', 'b');
  t.is(args.text('context') ?? '', '');
  t.is(args.text('token') ?? '', '');
  t.deepEqual(args.words, ['a', 'b']);
});

test('an empty value is there wherever it stands, so that a bare --dry-run is never taken for none', (t) => {
  t.is(parse('--token', '').text('token'), '');
  t.is(parse('--token=a', '--token=').text('token'), '');
  t.deepEqual(parse('-f', 'a', '-f', '').texts('filename'), ['a', '']);
});

test('numbers stay texts', (t) => {
  const args = parse('007', '--context', '1e3', '-n', '0x10');
  t.deepEqual(args.words, ['007']);
  t.is(args.text('context'), '1e3');
  t.is(args.text('namespace'), '0x10');
});

test('switches are grouped, and take a value after =', (t) => {
  const args = parse('-AR', '--no-headers=false');
  t.true(args.isOn('all-namespaces'));
  t.true(args.isOn('recursive'));
  t.false(args.isOn('no-headers'));
  t.true(args.given('no-headers'));
  t.false(args.given('insecure-skip-tls-verify'));
});

test('a switch never takes the next word', (t) => {
  const args = parse('--no-headers', 'true');
  t.true(args.isOn('no-headers'));
  t.deepEqual(args.words, ['true']);
});

test('-v is 1, or the number after it, and never takes a word', (t) => {
  t.is(parse('-v').text('v'), '1');
  t.is(parse('-v', '6').text('v'), '6');
  t.is(parse('-v=8').text('v'), '8');
  t.is(parse('--v=8').text('v'), '8');
  t.deepEqual(parse('-v', 'status').words, ['status']);
});

test('what comes after -- are words', (t) => {
  t.deepEqual(parse('a', '--', '-o', '--nonsense').words, ['a', '-o', '--nonsense']);
});

test('an unknown flag is an error with the nearest', (t) => {
  t.throws(() => parse('--contxt=a'), {
    instanceOf: UserError,
    message: 'unknown flag --contxt: did you mean --context?; see "x --help"',
  });
  t.throws(() => parse('-z'), { instanceOf: UserError, message: /unknown flag -z/ });
  t.throws(() => parse('--__proto__=1'), { instanceOf: UserError });
  t.throws(() => parse('--constructor'), { instanceOf: UserError });
});

test('a missing value, an unknown one and a switch that is neither true nor false are errors', (t) => {
  t.throws(() => parse('--context'), { instanceOf: UserError, message: /--context needs a value/ });
  t.throws(() => parse('-o', 'jsn'), {
    instanceOf: UserError,
    message: '--output=jsn isn\'t known: it is one of json, yaml (did you mean "json"?); see "x --help"',
  });
  t.throws(() => parse('--no-headers=perhaps'), { instanceOf: UserError, message: /true or false/ });
});

test('the command is the first word that is no value of an option', (t) => {
  t.is(commandWord(['-n', 'openshift-cnv', '-v', 'status', 'x'], options), 'status');
  t.is(commandWord(['--context=x', 'render'], options), 'render');
  t.is(commandWord(['-v', '--color', 'never'], options), undefined);
});

test('help is asked for anywhere but after --', (t) => {
  t.true(asksForHelp(['status', '-h']));
  t.true(asksForHelp(['--help']));
  t.false(asksForHelp(['status', '--', '-h']));
});
