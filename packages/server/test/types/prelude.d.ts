// What the documents' fragments leave to the reader.

import type { Express, RequestHandler } from "express";
import type { FlinksOptions, NewConnection, Reconnect, ReconnectEvent, Store } from "flinks-reconnect-server";

declare global {
  const app: Express;
  const bank: Reconnect;
  const flinks: FlinksOptions;
  const store: Store;
  const createReconnect: typeof import("flinks-reconnect-server").createReconnect;
  const express: typeof import("express");
  function saveAccounts(connection: string, answer: unknown): Promise<void>;
  function askToReconnect(user: string, connection: string, reason: ReconnectEvent["data"]["reason"]): Promise<void>;
  function yourConnections(): Promise<{ user: string; id: string; loginId: string; language: NewConnection["language"]; selectedAccounts: string[] | undefined }[]>;
  function isOldAttempt(attemptId: unknown): Promise<boolean>;
  const oldDeliver: RequestHandler;
}
