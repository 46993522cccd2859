// SPDX-License-Identifier: MIT
// The first byte chooses what the rest is: a vocabulary of a token a line, a saved vocabulary, or a tokenizer.json of either kind. It is
// refused by an IoError, or what it makes encodes any text into ids that it has, and byte pairs give the text back.
#include <espalier/text/byte_pair_encoding.hpp>
#include <espalier/text/vocabulary.hpp>
#include <espalier/text/word_piece.hpp>

#include "fuzz/property.hpp"

#include <string>
#include <vector>

using namespace espalier;

namespace {

constexpr text::EncodeOptions lenient{.invalid = text::InvalidUtf8::replace};

template <class Tokenizer>
std::vector<Index> encoded(const Tokenizer& tokenizer, std::string_view text) {
    auto ids = tokenizer.encode(text, lenient);
    for (const Index id : ids)
        fuzz::expect(id >= 0 && id < tokenizer.vocabulary().size(), "an id is in the vocabulary");
    return ids;
}

void check_vocabulary(const text::Vocabulary& vocabulary) {
    for (Index id = 0; id < vocabulary.size(); ++id)
        fuzz::expect(vocabulary.find(vocabulary.token(id)) == id, "a token has its id");
    fuzz::expect(text::Vocabulary::from_json(vocabulary.to_json()) == vocabulary, "a saved vocabulary is the same");
}

void check_pieces(const text::WordPiece& pieces, std::string_view bytes) {
    static_cast<void>(pieces.decode(encoded(pieces, bytes)));
    static_cast<void>(pieces.decode(encoded(pieces, "[UNK]word Caf\xC3\xA9 !")));
}

void check_pairs(const text::BytePairEncoding& pairs, std::string_view bytes) {
    for (const std::string_view text : {bytes, std::string_view{"it's  1 word\t\xF0\x9F\x98\x80"}}) {
        std::string storage;
        const std::string wanted{text::detail::valid_utf8("fuzz", text, text::InvalidUtf8::replace, storage)};
        const std::string back = pairs.decode(encoded(pairs, text), {.skip_special = false});
        std::string without;  // blanks may have been put in front of parts
        for (const char c : back)
            without += c == ' ' ? "" : std::string{c};
        std::string wanted_without;
        for (const char c : wanted)
            wanted_without += c == ' ' ? "" : std::string{c};
        fuzz::expect(without == wanted_without, "byte pairs give the text back");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const auto bytes = fuzz::text(data + 1, size - 1);
    try {
        switch (data[0] & 3) {
            case 0: {
                const auto vocabulary = text::Vocabulary::parse(bytes);
                check_vocabulary(vocabulary);
                if (!vocabulary.empty())
                    check_pieces(text::WordPiece{text::Vocabulary{vocabulary.tokens(), {"", vocabulary.token(0), "", ""}}}, bytes);
                break;
            }
            case 1: check_vocabulary(text::Vocabulary::from_json(bytes)); break;
            case 2: check_pieces(text::WordPiece::parse(bytes), bytes); break;
            default: check_pairs(text::BytePairEncoding::parse(bytes), bytes);
        }
    } catch (const IoError&) {
    }
    return 0;
}
