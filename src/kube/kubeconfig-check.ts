import type { Access, ClusterEntry, ExecEntry, UserEntry } from './kubeconfig.ts';

/*
 * What kubectl refuses in a kubeconfig (client-go's `tools/clientcmd/validation.go`, `rest` and `transport`): files that do
 * not say who one is, or whom one trusts. To choose for the person could be to act as somebody else, or to trust everybody.
 */

/** One sentence on what contradicts itself; undefined where nothing does. */
export function contradictionIn({ clusterName, userName, cluster, user }: Access): string | undefined {
  const aboutCluster = clusterProblem(cluster);
  if (aboutCluster !== undefined) return `Cluster "${clusterName}" ${aboutCluster}`;
  const aboutUser = userProblem(user);
  return aboutUser === undefined ? undefined : `User "${userName}" ${aboutUser}`;
}

const isGiven = (text: string | undefined): boolean => text !== undefined && text !== '';

function clusterProblem(cluster: ClusterEntry): string | undefined {
  const file = isGiven(cluster['certificate-authority']);
  const data = isGiven(cluster['certificate-authority-data']);
  if (file && data) return 'has both certificate-authority and certificate-authority-data';
  if ((file || data) && cluster['insecure-skip-tls-verify'] === true)
    return 'has a certificate-authority and insecure-skip-tls-verify: only one of them can be meant';
  return undefined;
}

function userProblem(user: UserEntry): string | undefined {
  if (isGiven(user.token) && (isGiven(user.username) || isGiven(user.password)))
    return 'has both a token and a user name with a password: only one of them can be meant';
  for (const [file, data] of [
    ['client-certificate', 'client-certificate-data'],
    ['client-key', 'client-key-data'],
  ] as const)
    if (isGiven(user[file]) && isGiven(user[data])) return `has both ${file} and ${data}`;
  const hasCertificate = isGiven(user['client-certificate']) || isGiven(user['client-certificate-data']);
  if (hasCertificate && !isGiven(user['client-key']) && !isGiven(user['client-key-data']))
    return 'has a client-certificate and no client-key';
  if (user.exec === undefined) return undefined;
  if (user['auth-provider'] !== undefined) return 'has both an exec plugin and an auth-provider';
  return pluginProblem(user.exec);
}

function pluginProblem({ apiVersion, command, env, interactiveMode }: ExecEntry): string | undefined {
  if (!isGiven(command)) return 'has an exec plugin without a command';
  if (!isGiven(apiVersion)) return 'has an exec plugin without an apiVersion';
  if (env?.some(({ name }) => !isGiven(name)) === true)
    return 'has an exec plugin with an environment variable without a name';
  if (interactiveMode === undefined)
    // The beta had no such field; v1 wants to be told.
    return apiVersion?.endsWith('/v1') === true ? 'has an exec plugin without an interactiveMode' : undefined;
  return ['Never', 'IfAvailable', 'Always'].includes(interactiveMode)
    ? undefined
    : `has an exec plugin whose interactiveMode is ${JSON.stringify(interactiveMode)}: Never, IfAvailable or Always are known`;
}
