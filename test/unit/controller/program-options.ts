import test from 'ava';
import { parseProgramOptions, programHelp } from '../../../controller/program-options.ts';

test('without flags it is what a deployment wants', (t) => {
  t.deepEqual(parseProgramOptions([], {}), {
    leaderElect: true,
    leaderTimes: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2000 },
    observe: false,
    metricsBindAddress: ':8080',
    healthProbeBindAddress: ':8082',
    debugBindAddress: '127.0.0.1:8081',
    concurrency: 4,
    resyncPeriodMs: 300_000,
    logLevel: 'info',
    logFormat: 'json',
    version: false,
    help: false,
  });
});

test('each flag is a variable too, and the command line wins', (t) => {
  const env = { VIRT_PLATFORM_LOG_LEVEL: 'debug', VIRT_PLATFORM_LEADER_ELECT: 'false', VIRT_PLATFORM_NAMESPACE: 'a' };
  t.like(parseProgramOptions(['--log-level=warn', '--observe'], env), {
    logLevel: 'warn',
    leaderElect: false,
    namespace: 'a',
    observe: true,
  });
});

test('values may follow their flags', (t) => {
  t.like(parseProgramOptions(['--concurrency', '8', '--catalog', 'x', '--resync-period', '30s'], {}), {
    concurrency: 8,
    catalog: 'x',
    resyncPeriodMs: 30_000,
  });
});

test('the times of the lead are those of a preset, but for those given one by one', (t) => {
  const args = ['--leader-elect-preset=openshift', '--leader-elect-retry-period=5s'];
  t.deepEqual(parseProgramOptions(args, {}).leaderTimes, {
    leaseDurationMs: 137_000,
    renewDeadlineMs: 107_000,
    retryPeriodMs: 5000,
  });
});

const wrong: [args: string[], says: RegExp][] = [
  [['--log-level=loud'], /--log-level=loud .* one of error, warn, info, debug/],
  [['--loglevel=info'], /did you mean --log-level\?/],
  [['--concurrency=0'], /from 1 to 64/],
  [['--concurrency=many'], /from 1 to 64/],
  [['--resync-period=5'], /as in 30s or 5m/],
  [['--metrics-bind-address=8080'], /HOST:PORT/],
  [['--catalog'], /has no value/],
  [['--leader-elect=maybe'], /one of true, false/],
  [['status'], /"status" is no flag/],
  [
    ['--leader-elect-renew-deadline=15s'],
    /renew-deadline \(15s\), and that shorter than --leader-elect-lease-duration \(15s\)/,
  ],
  [['--leader-elect-lease-duration=soon'], /as in 30s or 5m/],
];
for (const [args, says] of wrong) {
  test(`${args.join(' ')} is refused in one line`, (t) => {
    const error = t.throws(() => parseProgramOptions(args, {}), { message: says });
    t.false(error.message.includes('\n'));
  });
}

test('a wrong variable is refused like a wrong flag', (t) => {
  t.throws(() => parseProgramOptions([], { VIRT_PLATFORM_LOG_FORMAT: 'xml' }), { message: /--log-format=xml/ });
});

test('help names every flag', (t) => {
  for (const flag of ['--kubeconfig', '--leader-elect-preset', '--debug-bind-address', '--observe']) {
    t.true(programHelp().includes(flag));
  }
});
