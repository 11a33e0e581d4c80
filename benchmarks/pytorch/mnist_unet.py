"""The MNIST U-Net of the benchmarks: 864,609 parameters."""

import torch
from torch import nn


def norm_relu(channels):
    return nn.GroupNorm(8, channels), nn.ReLU()


class ConvBlock(nn.Module):
    """3x3 convolution, group normalisation, ReLU; keeps height and width."""

    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, padding=1), *norm_relu(channels_out))

    def forward(self, x):
        return self.block(x)


class Down(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.model = nn.Sequential(ConvBlock(channels_in, channels_out), nn.MaxPool2d(2))

    def forward(self, x):
        return self.model(x)


class Up(nn.Module):
    """Doubles height and width of [x, skip]; output_padding makes an odd size reachable."""

    def __init__(self, channels_in, channels_out, output_padding=0):
        super().__init__()
        self.model = nn.Sequential(
            nn.ConvTranspose2d(channels_in, channels_out, 2, stride=2, output_padding=output_padding),
            ConvBlock(channels_out, channels_out),
        )

    def forward(self, x, skip):
        return self.model(torch.cat((x, skip), dim=1))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.initial_features = nn.Sequential(nn.Conv2d(1, 64, 3, padding=1), *norm_relu(64))
        self.down1 = Down(64, 64)
        self.down2 = Down(64, 128)
        self.down3 = Down(128, 128)
        self.down4 = nn.Sequential(nn.AvgPool2d(3), nn.ReLU())

    def forward(self, x):
        features = self.initial_features(x)  # 64x28x28
        d1 = self.down1(features)  # 64x14x14
        d2 = self.down2(d1)  # 128x7x7
        d3 = self.down3(d2)  # 128x3x3
        return features, d1, d2, d3, self.down4(d3)  # 128x1x1


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.up1 = nn.Sequential(nn.ConvTranspose2d(128, 128, 3, stride=3), *norm_relu(128))
        self.up2 = Up(256, 128, output_padding=1)
        self.up3 = Up(256, 64)
        self.up4 = Up(128, 64)
        self.out = nn.Conv2d(128, 1, 3, padding=1)

    def forward(self, latent, d3, d2, d1, features):
        u = self.up1(latent)
        u = self.up2(u, d3)
        u = self.up3(u, d2)
        u = self.up4(u, d1)
        return self.out(torch.cat((u, features), dim=1))


class TimeEmbedding(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.lin1 = nn.Linear(1, 32, bias=False)
        self.lin2 = nn.Linear(32, width)

    def forward(self, t):
        return self.lin2(torch.sin(self.lin1(t.view(-1, 1))))[:, :, None, None]


class Unet(nn.Module):
    """Predicts the noise in x [n,1,28,28] at t [n], the step divided by the number of steps."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()
        self.time_embedding_layer = TimeEmbedding(128)

    def forward(self, x, t):
        features, d1, d2, d3, latent = self.encoder(x)
        return self.decoder(latent + self.time_embedding_layer(t), d3, d2, d1, features)
