-- One step on all counters of one call, whole or not at all. KEYS are the counters: hashes of an `epoch`, of what is spent or reserved
-- (`micros`, `tokens`), and of each call that is reserved and has not ended (`r:<call>` = "<micros>:<tokens>"). ARGV: the step, the call's
-- id, micros, tokens, and what each step has below. Promises and reasons stand in counters.py.
local step, record = ARGV[1], 'r:' .. ARGV[2]
local micros, tokens = tonumber(ARGV[3]), tonumber(ARGV[4])

local function add(key, more_micros, more_tokens)
    redis.call('HINCRBY', key, 'micros', string.format('%.0f', more_micros))
    redis.call('HINCRBY', key, 'tokens', string.format('%.0f', more_tokens))
end

local function drop(key, held, to_micros, to_tokens)
    local held_micros, held_tokens = string.match(held, '(%d+):(%d+)')
    add(key, to_micros - held_micros, to_tokens - held_tokens)
    redis.call('HDEL', key, record)
end

-- A base is what the ledger says that a counter must hold, in strings. It counts where there is no counter, or one of an older epoch.
local function restore(key, base)
    local epoch = redis.call('HGET', key, 'epoch')
    if epoch and tonumber(epoch) >= tonumber(base.epoch) then return end
    redis.call('DEL', key)
    redis.call('HSET', key, 'epoch', base.epoch, 'micros', base.micros, 'tokens', base.tokens)
    for call, held in pairs(base.open) do
        redis.call('HSET', key, 'r:' .. call, held[1] .. ':' .. held[2])
    end
end

-- ARGV from 5: seconds that counters live on unused; then for each counter its limits ('' is none) and its base (JSON; '' is none).
local function reserve()
    local found, missing, epochs = {}, false, {}
    for i, key in ipairs(KEYS) do
        local base = ARGV[5 + 3 * i]
        if base ~= '' then restore(key, cjson.decode(base)) end
        found[i] = redis.call('HMGET', key, 'epoch', 'micros', 'tokens', record)
        missing = missing or not found[i][1]
        epochs[i] = found[i][1] or '0'
    end
    if missing then return {'missing', unpack(epochs)} end
    for i in ipairs(KEYS) do
        local most_micros, most_tokens = tonumber(ARGV[3 + 3 * i]), tonumber(ARGV[4 + 3 * i])
        local _, spent_micros, spent_tokens, held = unpack(found[i])
        local over_micros = most_micros and micros > 0 and spent_micros + micros > most_micros
        local over_tokens = most_tokens and tokens > 0 and spent_tokens + tokens > most_tokens
        if not held and (over_micros or over_tokens) then
            for j, key in ipairs(KEYS) do
                if found[j][4] then drop(key, found[j][4], 0, 0) end
            end
            return {'refused', tostring(i), spent_micros, spent_tokens, unpack(epochs)}
        end
    end
    for i, key in ipairs(KEYS) do
        if not found[i][4] then
            add(key, micros, tokens)
            redis.call('HSET', key, record, ARGV[3] .. ':' .. ARGV[4])
        end
        redis.call('EXPIRE', key, ARGV[5])
    end
    return {'held', unpack(epochs)}
end

-- ARGV from 5: for each counter the epoch that it had in the ledger when the call's end was written there (0 is none).
local function settle()
    local behind = 0
    for i, key in ipairs(KEYS) do
        local found, wanted = redis.call('HMGET', key, 'epoch', record), tonumber(ARGV[4 + i])
        local epoch = tonumber(found[1] or 0)
        if epoch < wanted then behind = behind + 1 end
        if epoch == wanted and found[2] then drop(key, found[2], micros, tokens) end
    end
    return {tostring(behind)}
end

if step == 'reserve' then return reserve() end
return settle()
