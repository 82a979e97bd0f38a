import { serverSupport, supportedMinors } from '../../input/server-support.ts';
import { check } from '../finding.ts';

export const serverVersion = check({
  about: "the API server's version",
  finds: {
    'server-too-old': { severity: 'error', means: 'the API server is older than what this is made for' },
    'server-untested': { severity: 'info', means: 'the API server is newer than what this was tested with' },
  },
  run: ({ server, cluster, kubectl }) => {
    const support = serverSupport(server);
    if (support === 'supported') return [];
    const { oldest, newest } = supportedMinors;
    const where = cluster.connection.server;
    const fix = `${kubectl} version`;
    return support === 'too-old'
      ? [
          {
            id: 'server-too-old',
            what: `the API server is ${server.gitVersion}; this is made for v1.${oldest} and newer`,
            where,
            fix,
            note: 'upgrade the cluster',
          },
        ]
      : [
          {
            id: 'server-untested',
            what: `the API server is ${server.gitVersion}; this was tested up to v1.${newest}`,
            where,
            fix,
            note: 'a newer version of this may have been tested with it',
          },
        ];
  },
});
