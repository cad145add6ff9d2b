import type { KubeObject } from '../../kube/object.ts';
import { labelsOf, nameOf, refOf } from '../evidence-index.ts';
import { exitMeaning } from '../exit-codes.ts';
import { editOwner, getObject, readLog } from '../fixes.ts';
import { isTrue, type PodFacts, podFacts, statusPath } from '../pod-facts.ts';
import { lastWords, scan } from '../program-log.ts';
import { brief, list, span, strings, text } from '../read.ts';
import type { ObjectRef } from '../report.ts';
import { cause, evidence, item, type PodState, unknown, wantLog } from '../state.ts';
import { crashOf, crashState, diagnoseCrash } from './crash-facts.ts';
import { codeCause } from './exits.ts';
import { signatureCause } from './program-words.ts';

/** The validator only shows what its node lacks: the node is the finding. */
function validated(facts: PodFacts): ObjectRef | undefined {
  if (!facts.name.startsWith('nvidia-operator-validator') || facts.node === '') return undefined;
  const node = facts.index.get('Node', '', facts.node);
  return node !== undefined && Number(text(node, 'status', 'allocatable', 'nvidia.com/gpu') || 0) === 0
    ? { kind: 'Node', namespace: '', name: facts.node }
    : undefined;
}

export const initFailing: PodState = crashState(
  'H11',
  'init.failing',
  'An init container fails',
  (facts, crash) => {
    if (crash.container.kind === 'main' || isTrue(facts, 'Initialized') || crash.run.exitCode === 0)
      return undefined;
    const { hit } = crash;
    const words = crash.words;
    const found = hit === undefined ? undefined : signatureCause(facts, crash.container, hit, !crash.present);
    const label =
      hit !== undefined && hit.signature.id !== 'py-traceback'
        ? (found?.label ?? '')
        : (words ?? exitMeaning(crash.run.exitCode).meaning);
    return {
      headline: `${crash.container.kind} ${crash.container.name} fails, exit ${crash.run.exitCode}: ${brief(label, 70)}`,
      diagnose: () =>
        diagnoseCrash(
          facts,
          crash,
          [
            found === undefined
              ? { ...codeCause(facts, crash, 'H11'), id: `H11.exit-${crash.run.exitCode}` }
              : { ...found.cause, text: `init container ${crash.container.name} fails: ${found.cause.text}` },
          ],
          'Init containers finish',
          found?.item === undefined ? [] : [found.item],
          validated(facts),
        ),
    };
  },
  'initDone',
);

/** Init containers of NVIDIA's GPU operator: each waits until a step before it is done on the node. */
const validations: Readonly<Record<string, string>> = {
  'driver-validation': 'the NVIDIA driver',
  'toolkit-validation': 'the NVIDIA container toolkit',
  'mofed-validation': 'the network driver (MOFED)',
};

/** KubeRay's own init container of a worker waits for the GCS of the head, nothing else. */
function rayHead(
  facts: PodFacts,
  container: string,
): { readonly says: string; readonly pod: KubeObject | undefined } | undefined {
  const cluster = facts.labels['ray.io/cluster'];
  if (container !== 'wait-gcs-ready') return undefined;
  const pod = facts.index
    .inNamespace('Pod', facts.namespace)
    .find(
      (other) =>
        labelsOf(other)['ray.io/node-type'] === 'head' && labelsOf(other)['ray.io/cluster'] === cluster,
    );
  if (pod === undefined) return { says: ': it waits for the GCS of its Ray head', pod };
  const head = podFacts(pod, facts.index);
  const crash = crashOf(head);
  const how =
    crash !== undefined
      ? `, which ends with exit ${crash.run.exitCode}${crash.hit === undefined ? '' : ` (${crash.hit.signature.meaning})`}`
      : isTrue(head, 'Ready')
        ? ', which is ready: its name, a network policy or another version of Ray is in the way'
        : `, which is not ready (${head.phase})`;
  return { says: `: it waits for the GCS of its Ray head ${nameOf(pod)}${how}`, pod };
}

/** Still running after five minutes, and nothing behind it can start. */
export const initHanging: PodState = {
  id: 'H11',
  key: 'init.hanging',
  gate: 'initDone',
  severity: 'bad',
  title: 'An init container does not finish',
  match: (facts) => {
    if (facts.phase !== 'Pending' || isTrue(facts, 'Initialized')) return undefined;
    const container =
      facts.containers.find((entry) => entry.kind === 'init' && entry.state === 'running') ??
      facts.containers.find(
        (entry) => entry.kind === 'sidecar' && entry.state === 'running' && entry.started === false,
      );
    if (container === undefined) return undefined;
    const ran = facts.now - (container.startedAt ?? facts.now);
    const log = facts.index.log(facts.namespace, facts.name, container.name, false);
    const hit = scan(log);
    const words = hit === undefined || hit.signature.rank < 40 ? lastWords(log) : hit.line;
    const command = list(container.spec, 'command')
      .concat(list(container.spec, 'args'))
      .map(String)
      .join(' ');
    const waits =
      /wait(?:ing)?(?: for)?[^\n]*?([\w.-]+)[: ](\d{2,5})/i.exec(words ?? '') ??
      /\b(?:nc|ncat|telnet|wait-for(?:-it)?(?:\.sh)?|nslookup|pg_isready|mysqladmin|redis-cli|getent hosts|ping|dig|host)\s(?:-+[\w-]+[ =]*(?:\d+\s+)?)*([a-z][\w.-]*)(?:[: ]+(\d{2,5}))?/i.exec(
        command,
      ) ??
      /https?:\/\/([a-z][\w.-]*)(?::(\d{2,5}))?/i.exec(command);
    const progress = words !== undefined && /%|download|fetch|MB|GB|copy|shard|loading/i.test(words);
    const position = facts.containers.filter((entry) => entry.kind !== 'main').indexOf(container) + 1;
    const total = facts.containers.filter((entry) => entry.kind !== 'main').length;
    const [name = '', namespace = facts.namespace] = (waits?.[1] ?? '').split('.');
    const service = facts.index.find('Service', namespace, name);
    const pods =
      service.state === 'present'
        ? facts.index
            .inNamespace('Pod', namespace)
            .filter((pod) =>
              Object.entries(strings(service.object, 'spec', 'selector')).every(
                ([key, value]) => labelsOf(pod)[key] === value,
              ),
            )
        : [];
    const ready = pods.some((pod) =>
      list(pod, 'status', 'conditions').some(
        (entry) => text(entry, 'type') === 'Ready' && text(entry, 'status') === 'True',
      ),
    );
    // Without a clock of its own a paste does not tell for how long it waits: then only what it waits for does.
    const elsewhere =
      waits === null || service.state === 'present'
        ? undefined
        : facts.index.of('Service').find((entry) => nameOf(entry) === name)?.metadata?.namespace;
    const timeless = facts.index.nowIsGuess && (service.state === 'missing' || elsewhere !== undefined);
    if ((ran < 5 * 60_000 && !timeless) || (progress && ran < 60 * 60_000)) return undefined;
    // That a Service has no ready pod is known only where its pods are.
    const selects =
      service.state === 'present' && Object.keys(strings(service.object, 'spec', 'selector')).length > 0;
    const deserted = selects && !ready && (pods.length > 0 || facts.index.listed('Pod'));
    const head = rayHead(facts, container.name);
    const validates = validations[container.name];
    const detail =
      head !== undefined
        ? head.says
        : validates !== undefined
          ? `: it waits for ${validates} of node ${facts.node}, which is not installed there or not ready`
          : waits === null
            ? ''
            : elsewhere !== undefined
              ? `: it waits for ${waits[1]}, and the Service ${name} is in namespace ${elsewhere}`
              : service.state === 'missing'
                ? `: it waits for ${waits[1]}, and there is no such Service`
                : deserted
                  ? `: it waits for ${waits[1]}, whose Service has no ready pod`
                  : `: it waits for ${waits[1]}`;
    return {
      headline: `${container.kind} ${container.name} (${position} of ${total}) runs for ${span(ran)}${brief(detail, 60)}`,
      since: container.startedAt,
      diagnose: () => ({
        causes: [
          cause(
            detail === '' ? 'H11.hanging' : head === undefined ? 'H11.dependency' : 'H11.ray-head',
            head === undefined && (service.state === 'missing' || deserted) ? 'proven' : 'likely',
            `init container ${container.name} does not finish${detail}${words === undefined ? '' : `; it says: ${brief(words, 120)}`}`,
            readLog(facts, container.name, false),
            name === ''
              ? undefined
              : getObject('See the service that it waits for', 'service', namespace, name),
            editOwner(facts, 'Give the wait a limit'),
          ),
        ],
        items: [
          item(
            'H11.running',
            'initDone',
            'Init containers finish',
            'fail',
            evidence(
              container.name,
              `running for ${span(ran)}`,
              statusPath(container, 'state.running.startedAt'),
              { at: container.startedAt },
            ),
          ),
          ...(words === undefined
            ? [unknown('H11.log', 'initDone', 'What it says', 'needsProbe')]
            : [item('H11.log', 'initDone', 'What it says', 'info', evidence('log', brief(words, 300)))]),
        ],
        ...(head?.pod === undefined ? {} : { explainedBy: refOf(head.pod) }),
        wants: words === undefined ? [wantLog(facts, container.name, false)] : [],
      }),
    };
  },
};
