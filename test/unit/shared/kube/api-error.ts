import test from 'ava';
import { ApiError, formatPermission, formatServerError } from '../../../../shared/kube/api-error.ts';

test('an error is printed as kubectl prints it', (t) => {
  t.is(formatServerError(error({ reason: 'Forbidden' })), 'Error from server (Forbidden): the words');
  t.is(formatServerError(error({ reason: '' })), 'Error from server (418): the words');
});

test('its message says what was being done', (t) => {
  t.is(error({ reason: 'Gone' }).message, 'could not get Thing/x: Gone: the words');
});

test('a missing permission is given as the command that checks it', (t) => {
  t.is(
    formatPermission({ verb: 'list', group: '', resource: 'nodes' }, 'kubectl'),
    'no permission to list nodes: kubectl auth can-i list nodes',
  );
  t.is(
    formatPermission(
      { verb: 'patch', group: 'apps', resource: 'deployments/scale', namespace: 'virt', name: 'x' },
      'kubectl --as=jane',
    ),
    'no permission to patch deployments/scale in apps: kubectl --as=jane auth can-i patch deployments.apps/x --subresource=scale -n virt',
  );
});

test('causes are there to branch on', (t) => {
  const causes = [{ reason: 'FieldManagerConflict', field: '.data.a', message: 'conflict with "rival"' }];
  const conflict = error({ code: 409, details: { causes } });
  t.deepEqual(conflict.causes, causes);
  t.true(conflict.isFieldManagerConflict);
  t.false(conflict.isConflict);
  t.true(error({ code: 409, details: { causes: 'odd' } }).isConflict);
});

function error(change: Partial<ConstructorParameters<typeof ApiError>[0]>): ApiError {
  return new ApiError({
    doing: 'get Thing/x',
    code: 418,
    reason: 'Teapot',
    serverMessage: 'the words',
    details: {},
    server: 'https://a',
    who: 'jane',
    ...change,
  });
}
