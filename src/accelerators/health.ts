import type { NodeRow } from '../resources/node-row.ts';
import type { ResourceSliceRow } from '../resources/resourceslices.ts';
import { type Xid, xidOf } from './xid.ts';

/** One sign, in the API, that accelerators of a node are not well. */
export interface HealthSign {
  /** Where it was read: `condition XidCriticalError`, `capacity`, `label …`, `device gpu-3`. */
  readonly source: string;
  readonly text: string;
  /** Set where the sign names a code. */
  readonly xid: Xid | undefined;
  /** Epoch ms; undefined where the object does not say. */
  readonly at: number | undefined;
  /** It keeps nobody from using the device. */
  readonly isNote?: boolean;
}

/** Conditions of the clouds' agents that speak of accelerators, and the status that is bad (gpu.md 3.6). */
const badWhen: Readonly<Record<string, 'True' | 'False'>> = {
  XidCriticalError: 'True',
  AcceleratedHardwareReady: 'False',
  GPUMissing: 'True',
  NVLinkStatusInactive: 'True',
  XIDErrors: 'True',
  IBLinkFlapping: 'True',
  GPUClockThrottling: 'True',
  UnhealthyNvidiaDevicePlugin: 'True',
};

/** What a node's own object says of its devices: no exec, no metrics. Empty: nothing is said against them. */
export function healthOf(node: NodeRow): readonly HealthSign[] {
  return [...conditionSigns(node), ...labelSigns(node), ...quarantineSigns(node)];
}

function conditionSigns(node: NodeRow): readonly HealthSign[] {
  return node.conditions
    .filter(({ type, status }) => badWhen[type] === status)
    .flatMap(({ type, reason, message, at }) => {
      const codes = codesIn(reason) ?? codesIn(message) ?? [undefined];
      return codes.map((code) => ({
        source: `condition ${type}`,
        text: message || reason,
        xid: code === undefined ? undefined : xidOf(code),
        at,
      }));
    });
}

/** Xids that a text names; undefined where it names none. GKE's reason is a JSON object with codes as keys; EKS's is `NvidiaXID79Error`; messages say `Xid 79` or `XID=79`. */
export function codesIn(text: string): readonly number[] | undefined {
  const keys = text.startsWith('{')
    ? [...text.matchAll(/"(\d{1,3})"\s*:/g)]
    : [...text.matchAll(/xid\D{0,3}(\d{1,3})/gi)];
  return keys.length === 0 ? undefined : keys.map(([, code]) => Number(code));
}

function labelSigns({ labels }: NodeRow): readonly HealthSign[] {
  const signs: HealthSign[] = [];
  const say = (label: string, text: string): void => {
    signs.push({ source: `label ${label}`, text, xid: undefined, at: undefined });
  };
  const mig = labels['nvidia.com/mig.config.state'];
  if (mig === 'failed') say('nvidia.com/mig.config.state', 'the MIG layout could not be applied');
  if (mig === 'pending' || mig === 'rebooting')
    say('nvidia.com/mig.config.state', `the MIG layout is being changed (${mig})`);
  if (labels['nvidia.com/gpu-driver-upgrade-state'] === 'upgrade-failed') {
    say('nvidia.com/gpu-driver-upgrade-state', 'the driver upgrade failed');
  }
  for (const [label, value] of Object.entries(labels)) {
    if (label.startsWith('nvidia.com/gpu.deploy.') && value.startsWith('paused')) {
      say(label, `${label.slice('nvidia.com/gpu.deploy.'.length)} is ${value}`);
    }
  }
  return signs;
}

function quarantineSigns({ labels, annotations }: NodeRow): readonly HealthSign[] {
  const state = labels['dgxc.nvidia.com/nvsentinel-state'];
  if (state === undefined) return [];
  const event = annotations['quarantineHealthEvent'] ?? '';
  const code =
    codesIn(event)?.[0] ?? Number(/"errorCode"\s*:\s*\[?"?(\d{1,3})/.exec(event)?.[1] ?? Number.NaN);
  return [
    {
      source: 'label dgxc.nvidia.com/nvsentinel-state',
      text: `NVSentinel: ${state}`,
      xid: Number.isNaN(code) ? undefined : xidOf(code),
      at: undefined,
    },
  ];
}

/** What a slice's device taints say. Effect `None` is a note; the others keep claims away. */
export function healthOfSlice(slice: ResourceSliceRow): readonly HealthSign[] {
  return slice.devices.flatMap((device) =>
    device.taints.map(({ key, value, effect, timeAdded }) => ({
      source: `device ${device.name}`,
      text: `${key}${value === undefined ? '' : `=${value}`}${effect === 'None' ? ' (a note: still usable)' : ''}`,
      xid: key.endsWith('/xid') && /^\d{1,3}$/.test(value ?? '') ? xidOf(Number(value)) : undefined,
      at: timeAdded?.getTime(),
      ...(effect === 'None' ? { isNote: true } : {}),
    })),
  );
}
