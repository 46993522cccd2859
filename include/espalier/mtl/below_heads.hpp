// SPDX-License-Identifier: MIT
/// @file What a net has below its heads: an encoder, where a sample is more than one tensor, and a way of sharing.
#pragma once

#include <espalier/mtl/sharing.hpp>
#include <espalier/nn/encoder.hpp>

#include <optional>
#include <string>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl::detail {

/// All that lies below the heads, as one module.
template <class Scalar>
class BelowHeads : public nn::Module<BelowHeads<Scalar>, Scalar> {
public:
    explicit BelowHeads(Sharing<Scalar> sharing_of_all) : sharing{std::move(sharing_of_all)} {}
    BelowHeads(nn::Encoder<Scalar> encoder_of_all, Sharing<Scalar> sharing_of_all)
        : encoder{std::move(encoder_of_all)}, sharing{std::move(sharing_of_all)} {}

    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        if (encoder)
            fail<StateError>("net", "expected inputs by name", names(), ", got one tensor of shape ", input.shape());
        return sharing(input);
    }
    [[nodiscard]] Features<Scalar> operator()(const data::Inputs<Scalar>& inputs) {
        if (!encoder)
            fail<StateError>("net", "expected one tensor, got inputs by name, ", inputs.names(),
                             ": a net of those has an encoder, MultiTaskNet{encoder, trunk, heads}");
        (void)data::size_of(inputs);  // that it is one
        return sharing(nn::detail::naming_place([&] { return (*encoder)(inputs); }, [](const ShapeError&) { return "encoder"; }));
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        if (encoder)
            visitor("encoder", *encoder);
        visitor("trunk", sharing);
    }

    std::optional<nn::Encoder<Scalar>> encoder;  ///< none for inputs that are one tensor
    Sharing<Scalar> sharing;

private:
    /// What the encoder says that it reads.
    [[nodiscard]] std::string names() {
        nn::detail::CollectInputs<Scalar> reads;
        encoder->visit(reads);
        return reads.names.empty() ? "" : concat(", ", reads.names.names());
    }
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::detail
