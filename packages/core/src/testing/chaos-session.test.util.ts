/** In every secret that is minted, so that one search finds any of them. */
export const secretMark = 's3cr3t';

/** What a user has of a socket between two closes: nothing of it may be seen in another. */
export interface Session {
  readonly client: number;
  readonly number: number;
  readonly user: string;
  isOver: boolean;
  readonly messages: Message[];
  /** Its connections as the server accepted them, oldest first. */
  readonly lines: Line[];
  lastArrived: number;
}

export interface Message {
  readonly id: string;
  readonly serial: number;
  outcome: 'sent' | 'queued' | 'refused' | undefined;
  unsent: boolean;
  line: Line | undefined;
}

/** A connection as the server has it. */
export interface Line {
  readonly id: number;
  readonly session: Session;
  readonly isOpen: boolean;
  /** The ack has left. */
  acked: boolean;
  /** The server has cut it off: what was on its way is lost. */
  torn: boolean;
  /** The server has said that it is going away, so that another may be opened beside it. */
  isLeaving: boolean;
  /** The number of the last message that was heard from it. */
  heard: number;
  ping(id: string): void;
}

/** What goes with everything that an app gives out: whose it is, and whether it should have been asked. */
export const stampOf = ({ client, number, isOver }: Session, user: string): string =>
  `${client}.${number}.${user}.${isOver ? 'over' : 'on'}`;

/** What a message of an app's says of itself, on either wire. */
export const messagePattern = /m:([\w.-]+):(\d+)/;
/** What a message of the server's says of itself: its connection, and which of that it is. */
export const sayingPattern = /line:(\d+):(-?\d+)/;
