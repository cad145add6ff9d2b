import { cordon, loseNode, returnNode } from '../happenings.ts';
import type { Track } from '../script.ts';
import type { World } from '../world.ts';

const second = 1000;
const minute = 60 * second;

export const lostNode = (name: string): Track => ({
  name: `${name} is lost for a minute`,
  periodMs: 7 * minute,
  steps: [
    { atMs: 2 * minute, run: (world) => loseNode(world, name) },
    { atMs: 3 * minute + 10 * second, run: (world) => returnNode(world, name) },
  ],
});

export const maintenance = (name: string): Track => ({
  name: `${name} is cordoned`,
  periodMs: 5 * minute,
  steps: [
    { atMs: 100 * second, run: (world) => cordon(world, name, true) },
    { atMs: 175 * second, run: (world) => cordon(world, name, false) },
  ],
});

/** One of eight GPUs falls off the bus, and is back after a reset. */
export function failingGpu(name: string): Track {
  const set = (world: World, count: string): void =>
    world.change(world.node(name), (node) => ({
      ...node,
      status: { ...node.status, allocatable: { ...node.status.allocatable, 'nvidia.com/gpu': count } },
    }));
  return {
    name: `${name} loses a GPU`,
    periodMs: 10 * minute,
    steps: [
      {
        atMs: 4 * minute,
        run: (world) => {
          set(world, '7');
          const node = world.node(name);
          if (node === undefined) return;
          world.event(node, {
            type: 'Warning',
            reason: 'XIDError',
            message: 'Caught XID error, XID=48',
            component: 'nvidia-gpu-device-plugin',
          });
        },
      },
      { atMs: 7 * minute, run: (world) => set(world, '8') },
    ],
  };
}
