// The AWS SDK for JavaScript, unmodified. MERIDIAN_ENDPOINT names the front door.

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const { test } = require("node:test");
const kms = require("@aws-sdk/client-kms");

const [US, EU] = ["us-east-1", "eu-west-1"];
const WAIT_MS = 30_000;
const POLL_MS = 20;

const clients = new Map(
  [US, EU].map((region) => [
    region,
    new kms.KMSClient({
      region,
      endpoint: process.env.MERIDIAN_ENDPOINT,
      credentials: { accessKeyId: "111122223333", secretAccessKey: "any-secret" },
    }),
  ]),
);

const call = (region, command) => clients.get(region).send(command);

async function eventually(read, wanted) {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const value = await read().catch((error) => {
      if (error instanceof kms.NotFoundException) return undefined;
      throw error;
    });
    if (value === wanted) return;
    assert.ok(Date.now() < deadline, `still ${value}, not ${wanted}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function keyState(region, KeyId) {
  const described = await call(region, new kms.DescribeKeyCommand({ KeyId }));
  return described.KeyMetadata.KeyState;
}

async function importMaterial(region, KeyId, material, ImportType) {
  const parameters = await call(
    region,
    new kms.GetParametersForImportCommand({
      KeyId,
      WrappingAlgorithm: "RSAES_OAEP_SHA_256",
      WrappingKeySpec: "RSA_2048",
    }),
  );
  const key = crypto.createPublicKey({
    key: Buffer.from(parameters.PublicKey),
    format: "der",
    type: "spki",
  });
  const padding = crypto.constants.RSA_PKCS1_OAEP_PADDING;
  return call(
    region,
    new kms.ImportKeyMaterialCommand({
      KeyId,
      ImportToken: parameters.ImportToken,
      EncryptedKeyMaterial: crypto.publicEncrypt({ key, padding, oaepHash: "sha256" }, material),
      ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
      ImportType,
    }),
  );
}

test("imported material rotates in two regions", async () => {
  const created = await call(US, new kms.CreateKeyCommand({ Origin: "EXTERNAL", MultiRegion: true }));
  const { KeyId } = created.KeyMetadata;
  assert.equal(created.KeyMetadata.KeyState, "PendingImport");
  assert.ok(created.KeyMetadata.CreationDate instanceof Date);
  const [first, second] = [crypto.randomBytes(32), crypto.randomBytes(32)];
  await importMaterial(US, KeyId, first, "NEW_KEY_MATERIAL");
  await call(US, new kms.ReplicateKeyCommand({ KeyId, ReplicaRegion: EU }));
  await eventually(() => keyState(EU, KeyId), "PendingImport");
  await importMaterial(EU, KeyId, first, "EXISTING_KEY_MATERIAL");

  const Plaintext = Buffer.from("a secret");
  const EncryptionContext = { purpose: "test" };
  const before = await call(US, new kms.EncryptCommand({ KeyId, Plaintext, EncryptionContext }));
  await importMaterial(US, KeyId, second, "NEW_KEY_MATERIAL");
  await assert.rejects(
    call(US, new kms.RotateKeyOnDemandCommand({ KeyId })),
    (error) => error instanceof kms.KMSInvalidStateException && error.$metadata.httpStatusCode === 400,
  );
  const materials = async (region) => {
    const listed = await call(
      region,
      new kms.ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: "ALL_KEY_MATERIAL" }),
    );
    return listed.Rotations.at(-1).KeyMaterialState;
  };
  await eventually(() => materials(EU), "PENDING_MULTI_REGION_IMPORT_AND_ROTATION");
  await importMaterial(EU, KeyId, second, "EXISTING_KEY_MATERIAL");
  await eventually(() => materials(US), "PENDING_ROTATION");
  await call(US, new kms.RotateKeyOnDemandCommand({ KeyId }));
  await eventually(() => materials(EU), "CURRENT");

  const after = await call(EU, new kms.EncryptCommand({ KeyId, Plaintext, EncryptionContext }));
  for (const { CiphertextBlob } of [before, after]) {
    for (const region of [US, EU]) {
      const opened = await call(region, new kms.DecryptCommand({ CiphertextBlob, EncryptionContext }));
      assert.deepEqual(Buffer.from(opened.Plaintext), Plaintext);
    }
  }
  await assert.rejects(
    call(US, new kms.DecryptCommand({ CiphertextBlob: after.CiphertextBlob })),
    kms.InvalidCiphertextException,
  );
});

test("the paginator finds every key", async () => {
  const mine = new Set();
  for (let n = 0; n < 3; n++) {
    mine.add((await call(EU, new kms.CreateKeyCommand({}))).KeyMetadata.KeyId);
  }
  for await (const page of kms.paginateListKeys({ client: clients.get(EU), pageSize: 2 }, {})) {
    assert.ok(page.Keys.length <= 2);
    page.Keys.forEach(({ KeyId }) => mine.delete(KeyId));
  }
  assert.equal(mine.size, 0);
});
