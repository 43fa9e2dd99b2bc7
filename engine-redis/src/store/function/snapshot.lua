-- Snapshots beside the stream, in chunks. The next one is gathered in a key of its own and takes the
-- last one's place when it is whole, so that nobody reads half of one.

do

-- How long a snapshot is kept that its writer does not go on with.
local NEXT_KEPT_MS = 60000
-- Fields of the hash beside the chunks, which are under their numbers from 0.
local ABOUT = { 'writer', 'count', 'epoch', 'seq', 'chain', 'at', 'digest' }

-- Trims the entries that neither the snapshot nor a serving node needs. The last entry that each of them has stays:
-- it shows that their history is this one.
local function trim(s, point)
  local from = members.furthest_behind(s, point)
  redis.call('XTRIM', s.keys[FACTS], 'MINID', entry_id(from.epoch, from.seq))
end

-- epoch; the snapshot's point; its time; who writes it; which chunk of how many, from 0; the digest up to and
-- with that; its bytes. A snapshot that is there of a point past the stream's end was put by no node.
local function put_snapshot(keys, args)
  local point = read_point(args, 2)
  local s, refusal = writable(keys, tonumber(args[1]), point)
  if not s then
    return refusal
  end
  local writer, index, count = args[6], tonumber(args[7]), tonumber(args[8])
  local last = tonumber(redis.call('HGET', keys[SNAPSHOT], 'seq') or '')
  if last and last >= point.seq and last <= s.seq then
    return { 'ok', 'dropped' }
  elseif index == 0 then
    redis.call('UNLINK', keys[SNAPSHOT_NEXT])
    redis.call('HSET', keys[SNAPSHOT_NEXT], 'writer', writer, 'count', count,
      'epoch', point.epoch, 'seq', point.seq, 'chain', point.chain, 'at', args[5])
  elseif redis.call('HGET', keys[SNAPSHOT_NEXT], 'writer') ~= writer then
    -- Another has begun since, or this one stood still for too long.
    return { 'ok', 'dropped' }
  end
  redis.call('HSET', keys[SNAPSHOT_NEXT], index, args[10], 'digest', args[9])
  if index + 1 < count then
    redis.call('PEXPIRE', keys[SNAPSHOT_NEXT], NEXT_KEPT_MS)
    return { 'ok', 'taken' }
  end
  assert(redis.call('HLEN', keys[SNAPSHOT_NEXT]) == #ABOUT + count, 'no chunk is missing')
  redis.call('UNLINK', keys[SNAPSHOT])
  redis.call('RENAME', keys[SNAPSHOT_NEXT], keys[SNAPSHOT])
  redis.call('PERSIST', keys[SNAPSHOT])
  trim(s, point)
  return { 'ok', 'whole' }
end

-- Which chunk, or empty for what the snapshot is without any. Answers nothing when there is none.
local function snapshot(keys, args)
  local s, refusal = opened(keys)
  if not s then
    return refusal
  end
  local about = redis.call('HMGET', keys[SNAPSHOT], unpack(ABOUT))
  local chunk = about[1] and (args[1] == '' and '' or redis.call('HGET', keys[SNAPSHOT], args[1]))
  if not chunk then
    return { 'ok' }
  end
  insert(about, 1, 'ok')
  insert(about, chunk)
  return about
end

register('put_snapshot', put_snapshot)
register('snapshot', snapshot, { 'no-writes' })

end
