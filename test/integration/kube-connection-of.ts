import { KubeConfig } from '@kubernetes/client-node';
import test from 'ava';
import { openCluster } from '../../shared/kube/client.ts';
import { connectionOf } from '../../shared/kube/connection-of.ts';
import { useCluster } from '../helpers/cluster.ts';

const cluster = useCluster(test, { crds: 'none' });

for (const user of ['admin', 'somebody-with-a-certificate']) {
  test(`a KubeConfig of client-node leads to the same user: ${user}`, async (t) => {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(user === 'admin' ? cluster.kubeconfig : await cluster.user(user, ['system:masters']));
    const client = openCluster(connectionOf(kubeConfig), { userAgent: 'test' });
    const { object } = await client.create(
      { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      { fieldManager: 'test' },
    );
    client.close();
    t.is(Object(object.status).userInfo.username, user);
  });
}

test('a KubeConfig without a cluster, or whose credentials come from a program, is refused in one line', (t) => {
  t.throws(() => connectionOf(new KubeConfig()), { message: /no current cluster/ });
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromString(`
apiVersion: v1
kind: Config
current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}]
clusters: [{name: a, cluster: {server: "https://localhost:1"}}]
users: [{name: a, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login, interactiveMode: Never}}}]
`);
  t.throws(() => connectionOf(kubeConfig), { message: /use loadKubeconfig/ });
});
